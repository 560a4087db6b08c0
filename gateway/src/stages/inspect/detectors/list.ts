/** Every detector, in the order in which they are asked. To add one: a folder and a line here. */
import { injection } from './injection/detector.ts';
import { pii } from './pii/detector.ts';
import { secrets } from './secrets/detector.ts';
import { words } from './words/detector.ts';

export { patternProblem } from './words/detector.ts';

/** Those that need no options: each is a key of a guardrail. */
export const fixedDetectors = [secrets, pii, injection] as const;

export const detectors = [...fixedDetectors, words] as const;
