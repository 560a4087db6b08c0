/**
 * Collects what is to be written and hands it over at the end of a turn of the event loop. Written one by one as it comes
 * up, each write wakes another core of the machine; written together, one wake-up serves them all (measured:
 * docs/decisions/0008).
 */
export class TurnEnd<Item> {
  readonly #write: (item: Item) => void;
  #items: Item[] = [];

  /** `write` must not throw. What it adds in turn is written at the end of the next turn. */
  constructor(write: (item: Item) => void) {
    this.#write = write;
  }

  add(item: Item): void {
    if (this.#items.push(item) === 1) setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    const items = this.#items;
    this.#items = [];
    for (const item of items) this.#write(item);
  };
}
