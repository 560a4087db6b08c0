/** Every detector, in the order in which they are asked. To add one: a folder and a line here. */
import { pii } from './pii/detector.ts';
import { secrets } from './secrets/detector.ts';

export const detectors = [secrets, pii] as const;
