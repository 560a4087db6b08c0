/**
 * Waiting entries, in order. Each can be removed in constant time, wherever it stands. Places are linked to each other:
 * a Set that is filled and emptied all the time would leave outgrown tables behind (see `slots.ts`).
 */
export class Queue<Entry> {
  #first: Place<Entry> | undefined;
  #last: Place<Entry> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): Entry | undefined {
    return this.#first?.entry;
  }

  push(entry: Entry): Place<Entry> {
    return this.#between(this.#last, entry, undefined);
  }

  /** Puts it in front of all others. */
  unshift(entry: Entry): Place<Entry> {
    return this.#between(undefined, entry, this.#first);
  }

  shift(): Entry | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first?.entry;
  }

  /** Does nothing for one that is not in the queue any more. */
  remove(place: Place<Entry>): void {
    const { before, after } = place;
    if (before === undefined ? this.#first !== place : before.after !== place) return;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    place.before = undefined;
    place.after = undefined;
    this.#length--;
  }

  #between(before: Place<Entry> | undefined, entry: Entry, after: Place<Entry> | undefined): Place<Entry> {
    const place: Place<Entry> = { entry, before, after };
    if (before === undefined) this.#first = place;
    else before.after = place;
    if (after === undefined) this.#last = place;
    else after.before = place;
    this.#length++;
    return place;
  }
}

export interface Place<Entry> {
  readonly entry: Entry;
  before: Place<Entry> | undefined;
  after: Place<Entry> | undefined;
}
