/**
 * Rights end with what gave them. What stays open holds the credential that opened it, and is judged again for each
 * message by what that credential may do now, under the revision in force.
 */

import { Chain, ChainEntry } from './chain.ts';
import type { Caller } from './contracts/caller.ts';
import type { Snapshot } from './contracts/snapshot.ts';
import { decide } from './decide.ts';
import type { Decided } from './exchange.ts';
import { isThere, whenceOf } from './reach.ts';
import type { RightsFault } from './refusal.ts';

export interface Rights {
  /** The snapshot in force. */
  snapshot(): Snapshot;
  /** Who the credential of a caller stands for now; `undefined` when it has ended. */
  renew(caller: Caller): Caller | undefined;
  readonly underWay: UnderWay;
}

export interface LostRight {
  readonly cause: RightsFault;
  /** For the operator. */
  readonly detail: string;
}

/** A call that its server has, until it is answered. */
export class Standing extends ChainEntry<Standing> {
  readonly #exchange: Decided;
  readonly #rights: Rights;
  /** What the last judgement was about. */
  #snapshot: Snapshot;
  #caller: Caller;
  #hours: string;
  #lost: LostRight | undefined;

  constructor(exchange: Decided, snapshot: Snapshot, rights: Rights) {
    super();
    this.#exchange = exchange;
    this.#snapshot = snapshot;
    this.#caller = exchange.caller;
    this.#hours = snapshot.policy.hoursAt(exchange.at);
    this.#rights = rights;
  }

  /** Why the right to the call has ended; `undefined` while it has not. What was lost stays lost. */
  lost(): LostRight | undefined {
    if (this.#lost !== undefined) return this.#lost;
    const caller = this.#rights.renew(this.#exchange.caller);
    if (caller === undefined) this.#lost = { cause: 'credential', detail: 'the credential has ended' };
    else {
      const snapshot = this.#rights.snapshot();
      const hours = snapshot.policy.hoursAt(Date.now());
      if (snapshot === this.#snapshot && caller === this.#caller && hours === this.#hours) return undefined;
      this.#hours = hours;
      this.#snapshot = snapshot;
      this.#caller = caller;
      this.#lost = lostRight(this.#exchange, caller, snapshot);
    }
    return this.#lost;
  }

  /** The correlation id. */
  get id(): string {
    return this.#exchange.id;
  }

  /** Gives the call up when the right to it has ended. */
  review(): void {
    if (this.lost() !== undefined) this.#exchange.cancellation.cancel();
  }
}

/** Why a call that was allowed would not be allowed now. */
export function lostRight(exchange: Decided, caller: Caller, snapshot: Snapshot): LostRight | undefined {
  const { server } = exchange.upstream;
  const status = snapshot.statusOf(server);
  if (status === 'disabled') return { cause: 'disabled', detail: 'the server is disabled' };
  if (status === undefined || !isThere(status))
    return { cause: 'server', detail: `the server is ${status ?? 'not configured any more'}` };
  const whence = whenceOf(exchange);
  const grants = snapshot.policy.grants(caller, server, whence);
  if (grants === undefined) {
    const why = snapshot.policy.whyClosed(caller, server, whence);
    return { cause: 'connection', detail: why ?? 'no connection leads there any more' };
  }
  const { effect, rule, masks = [] } = decide({ ...exchange, caller, grants }).decision;
  const { masks: before = [] } = exchange.decision;
  const isApproved = effect === 'hold' && exchange.approval !== undefined;
  const isOpen = effect === 'allow' || effect === 'observe' || isApproved;
  if (isOpen && !masks.every((mask) => before.some((each) => isSame(each, mask))))
    return { cause: 'rule', detail: 'a rule masks what it did not mask before' };
  const { capability } = exchange;
  const { response } = exchange.grants.guardrailsOn(capability);
  if (isOpen && !isSame(grants.guardrailsOn(capability).response, response))
    return { cause: 'rule', detail: 'other guardrails look at what the server sends' };
  if (isOpen && !isSame(grants.content ?? {}, exchange.grants.content ?? {}))
    return { cause: 'connection', detail: 'other types of content may cross' };
  if (isOpen) return undefined;
  return {
    cause: 'rule',
    detail: rule === undefined ? 'no rule allows it any more' : `${rule.place} ${rule.text}`,
  };
}

/** Whether two rules say the same, wherever they stand in the file. */
function isSame(a: object, b: object): boolean {
  const text = (value: object): string =>
    JSON.stringify(value, (name, member: unknown) => (name === 'place' ? undefined : member));
  return a === b || text(a) === text(b);
}

/** The calls that servers have. Its size is bounded by what each caller may have under way. */
export class UnderWay {
  readonly #open = new Chain<Standing>();

  add(standing: Standing): void {
    this.#open.add(standing);
  }

  delete(standing: Standing): void {
    this.#open.delete(standing);
  }

  get size(): number {
    return this.#open.size;
  }

  /** The correlation ids of all of them. */
  ids(): readonly string[] {
    return [...this.#open].map(({ id }) => id);
  }

  review(): void {
    // Calls only leave while this goes on: none is sent from what a cancellation calls back.
    for (const standing of this.#open) standing.review();
  }
}
