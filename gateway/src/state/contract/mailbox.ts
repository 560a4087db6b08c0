/**
 * Messages from one process to the one that answers for an address, and the answers back: how a command has a running
 * gateway do something. Whatever implements it passes `mailboxContract` of `gateway/test/support/state-contract.ts`.
 */
import type { Later } from './later.ts';

export interface Letter {
  readonly id: string;
  /** What was written; the receiver believes none of it. */
  readonly text: string;
}

/** Each method is one atomic step, also between processes. `now`: milliseconds since the epoch. */
export interface Mailbox {
  /** The id to ask for the answer with; `undefined` when too many letters wait. After `until` it is not handed out. */
  send(to: string, letter: { readonly text: string; readonly until: number }, now: number): Later<string | undefined>;
  /** The oldest letters to an address, each of which is handed out once. */
  receive(to: string, now: number): Later<readonly Letter[]>;
  answer(letter: { readonly to: string; readonly id: string; readonly text: string }, now: number): Later<void>;
  /** The answer, once. Until then there is none. */
  answerTo(id: string, now: number): Later<string | undefined>;
  /** Takes back what was not handed out yet. */
  withdraw(id: string, now: number): Later<void>;
}
