/** Tells running gateways what a command has changed. */
import type { Topic } from '../state/contract/changes.ts';
import { announceChange } from '../state/sqlite/changes.ts';
import { type CommonOptions, type Context, fail } from './context.ts';
import { exitCodes } from './exit-codes.ts';

export interface Told extends CommonOptions {
  readonly data: string;
  readonly topic: Topic;
}

/** False when it cannot be told, which is complained about: the change is made, and its command ends with that. */
export function isTold(context: Context, { data, topic, ...options }: Told): boolean {
  try {
    announceChange(data, topic);
    return true;
  } catch (error) {
    fail(context, options, {
      code: exitCodes.data,
      problem: `it is done, but a running gateway cannot be told: ${(error as Error).message}`,
      remedy: 'Restart it, or send it SIGHUP, so that it takes the change over.',
    });
    return false;
  }
}
