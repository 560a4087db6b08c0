/** Every detector, in the order in which they are asked. To add one: a folder and a line here. */
import { injection } from './injection/detector.ts';
import { pii } from './pii/detector.ts';
import { secrets } from './secrets/detector.ts';
import { words } from './words/detector.ts';

export const detectors = [secrets, pii, injection, words] as const;
