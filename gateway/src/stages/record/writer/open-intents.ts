/**
 * Intents without an outcome, by id, oldest first. Linked entries instead of a Map: a Map that is filled and emptied for
 * every call keeps what it held alive until a full collection (docs/decisions/0004), which here meant that the writer ran
 * one several times a second.
 */
import { unknownSubject } from '../record/subject.ts';
import type { Tier } from '../settings.ts';

/** What an outcome needs of the intent before it. */
export interface OpenIntent {
  readonly seq: number;
  readonly subject: string;
  readonly server: string | undefined;
  readonly method: string;
  readonly tier: Tier | undefined;
  /** The subject was erased meanwhile: what the call led to is not kept. */
  readonly erased?: true;
}

interface Entry {
  readonly id: string;
  intent: OpenIntent;
  /** The next one in the bucket. */
  next: Entry | undefined;
  before: Entry | undefined;
  after: Entry | undefined;
}

const buckets = 2 ** 14;

export class OpenIntents {
  readonly #buckets: (Entry | undefined)[] = Array.from({ length: buckets }, () => undefined);
  #first: Entry | undefined;
  #last: Entry | undefined;
  #size = 0;

  constructor(entries: Iterable<readonly [string, OpenIntent]>) {
    for (const [id, intent] of entries) this.add(id, intent);
  }

  get size(): number {
    return this.#size;
  }

  get(id: string): OpenIntent | undefined {
    for (let entry = this.#buckets[bucketOf(id)]; entry !== undefined; entry = entry.next)
      if (entry.id === id) return entry.intent;
    return undefined;
  }

  /** One that has the id already is replaced, and counts as the newest. */
  add(id: string, intent: OpenIntent): void {
    this.delete(id);
    const bucket = bucketOf(id);
    const entry: Entry = { id, intent, next: this.#buckets[bucket], before: this.#last, after: undefined };
    this.#buckets[bucket] = entry;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.after = entry;
    this.#last = entry;
    this.#size++;
  }

  delete(id: string): void {
    const bucket = bucketOf(id);
    let previous: Entry | undefined;
    for (let entry = this.#buckets[bucket]; entry !== undefined; previous = entry, entry = entry.next) {
      if (entry.id !== id) continue;
      if (previous === undefined) this.#buckets[bucket] = entry.next;
      else previous.next = entry.next;
      this.#unlink(entry);
      return;
    }
  }

  /** Takes the oldest out. */
  shift(): readonly [string, OpenIntent] | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.delete(first.id);
    return [first.id, first.intent];
  }

  /** Gives the open intents of an erased subject the subject `unknown`. */
  forget(subject: string): void {
    for (let entry = this.#first; entry !== undefined; entry = entry.after)
      if (entry.intent.subject === subject) entry.intent = { ...entry.intent, subject: unknownSubject, erased: true };
  }

  *[Symbol.iterator](): Generator<readonly [string, OpenIntent]> {
    for (let entry = this.#first; entry !== undefined; entry = entry.after) yield [entry.id, entry.intent];
  }

  /** A removed entry keeps no links: an old entry must not keep younger ones alive. */
  #unlink(entry: Entry): void {
    const { before, after } = entry;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    entry.next = undefined;
    entry.before = undefined;
    entry.after = undefined;
    this.#size--;
  }
}

/** The gateway makes the ids at random, so a client cannot aim them at one bucket. */
function bucketOf(id: string): number {
  let hash = 0;
  for (let index = 0; index < id.length; index++) hash = (Math.imul(hash, 31) + id.charCodeAt(index)) | 0;
  return hash & (buckets - 1);
}
