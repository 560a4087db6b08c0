/**
 * What is open, in a list that its entries leave by themselves. In place of a Set, which is filled and emptied all the time
 * here: that leaves a chain of outgrown tables behind, each keeping the entries of its time alive until a full collection.
 */
export class ChainEntry<Entry extends ChainEntry<Entry>> {
  before: Entry | undefined;
  after: Entry | undefined;
}

export class Chain<Entry extends ChainEntry<Entry>> {
  #first: Entry | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** In front of all others. An entry is in one chain at most, and there once. */
  add(entry: Entry): void {
    entry.after = this.#first;
    if (this.#first !== undefined) this.#first.before = entry;
    this.#first = entry;
    this.#size++;
  }

  /** Does nothing for an entry that is not in the chain. */
  delete(entry: Entry): void {
    const { before, after } = entry;
    if (before !== undefined) before.after = after;
    else if (this.#first === entry) this.#first = after;
    else return;
    if (after !== undefined) after.before = before;
    entry.before = undefined;
    entry.after = undefined;
    this.#size--;
  }

  /** From the newest to the oldest; the entry that was given last may leave meanwhile. */
  *[Symbol.iterator](): Generator<Entry> {
    for (let entry = this.#first; entry !== undefined; ) {
      const { after } = entry;
      yield entry;
      entry = after;
    }
  }
}
