/**
 * What each list had when it was read last: written where it is another one. A list of ten thousand names is kept in parts, so
 * that none of them holds up others for long, and its order is no difference.
 */
import { hash } from 'node:crypto';
import { turnsOf } from '../pipeline/turns.ts';
import type { PinnedKind } from '../protocol/pinned-kinds.ts';
import type { Definition } from './definition.ts';
import type { PinStore } from './store.ts';

/** Definitions of a list that is kept whole, and the parts of a longer one: by the first digits of digests. */
const maxWhole = 1_000;
const parts = 32;

export class SeenLists {
  readonly #store: PinStore;
  /** Of the parts as they were written last, by list and part. */
  readonly #digests = new Map<string, string>();
  /** By list: how often it was another one. */
  readonly #changes = new Map<string, number>();

  constructor(store: PinStore) {
    this.#store = store;
  }

  forget(): void {
    this.#digests.clear();
  }

  /** Another number after each list that differs from the one before it. */
  changes(server: string, kind: PinnedKind): number {
    return this.#changes.get(`${kind} ${server}`) ?? 0;
  }

  /** Throws what the database says. */
  async saw(server: string, kind: PinnedKind, definitions: readonly Definition[], at: number): Promise<void> {
    const count = definitions.length > maxWhole ? parts : 1;
    const turns = turnsOf();
    const buckets: string[][] = Array.from({ length: count }, () => []);
    for (const { name, digest } of definitions)
      buckets[Number.parseInt(digest.slice(0, 2), 16) % count]?.push(JSON.stringify([name, digest]));
    let isChanged = false;
    for (const [part, pairs] of buckets.entries()) {
      if (turns.isOver()) await turns.next();
      const names = `[${pairs.toSorted(compare).join(',')}]`;
      const key = `${kind} ${server} ${part}`;
      const digest = hash('sha256', names);
      if (this.#digests.get(key) === digest) continue;
      if (this.#store.sawPart({ server, kind, part, names }, at)) isChanged = true;
      this.#digests.set(key, digest);
    }
    const ofCount = `${kind} ${server} parts`;
    if (this.#digests.get(ofCount) !== String(count)) {
      for (let part = count; part < parts; part++) this.#digests.delete(`${kind} ${server} ${part}`);
      if (this.#store.endParts(server, kind, count)) isChanged = true;
      this.#digests.set(ofCount, String(count));
    }
    const list = `${kind} ${server}`;
    if (isChanged) this.#changes.set(list, (this.#changes.get(list) ?? 0) + 1);
  }

  /** The server was reached. Only the first time counts. Throws what the database says. */
  contacted(server: string, at: number): void {
    const key = `contact ${server}`;
    if (this.#digests.has(key)) return;
    this.#store.contacted(server, at);
    this.#digests.set(key, '');
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
