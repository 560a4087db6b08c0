/**
 * Changes that one process makes and others must take over, such as an account that a command forgets. What is announced is
 * only that something changed: the truth stays where it is kept, so that a process that starts later, or that missed an
 * announcement, reads it all the same. Whatever implements it passes `changesContract` of
 * `gateway/test/support/state-contract.ts`.
 */
import type { Later } from './later.ts';

/** `letters`: a command waits for an answer of the process that serves. */
export const topics = ['accounts', 'issuers', 'secrets', 'pins', 'approvals', 'servers', 'letters'] as const;
export type Topic = (typeof topics)[number];

export interface Changes {
  /** For every process that looks, but for this one, which made the change. */
  announce(topic: Topic): Later<void>;
  /** What others announced since the last look, or since this was opened. Cheap: asked several times a second. */
  look(): Later<readonly Topic[]>;
}
