/** Every limit, in the order in which they are asked. To add one: a folder and a line here. */
import { concurrency } from './concurrency/definition.ts';
import { refusals } from './refusals/definition.ts';

export const limits = [concurrency, refusals] as const;
