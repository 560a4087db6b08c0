/**
 * The keys of one limit. A large map is copied whole when it grows, which takes a quarter of a second for a million keys: a
 * limit with many of them keeps these in many maps, each of which is copied alone.
 */
import { isNew, type State } from './meter-states.ts';

/** Keys in the first map, before there are several. */
const fewKeys = 4_096;
const parts = 128;
/** Keys that are looked at, and forgotten where they are as good as new, for each new one. */
const swept = 4;

export class MeterTable {
  #maps: readonly Map<string, State>[] = [new Map<string, State>()];
  #sweeping: Iterator<[string, State]> = this.#entries();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): State | undefined {
    return this.#mapOf(key).get(key);
  }

  has(key: string): boolean {
    return this.#mapOf(key).has(key);
  }

  set(key: string, state: State): void {
    const map = this.#mapOf(key);
    if (!map.has(key)) this.#size++;
    map.set(key, state);
    if (this.#maps.length === 1 && this.#size > fewKeys) this.#split();
  }

  *keys(): Generator<string> {
    for (const map of this.#maps) yield* map.keys();
  }

  /** Forgets, of some keys, those that are as good as new. Each is looked at in its turn. Answers how many went. */
  sweep(now: number): number {
    let gone = 0;
    for (let looked = 0; looked < swept; looked++) {
      const { value, done } = this.#sweeping.next();
      if (done === true) {
        this.#sweeping = this.#entries();
        return gone;
      }
      const [key, state] = value;
      if (!isNew(state, now)) continue;
      this.#mapOf(key).delete(key);
      this.#size--;
      gone++;
    }
    return gone;
  }

  *#entries(): Generator<[string, State]> {
    for (const map of this.#maps) yield* map;
  }

  #split(): void {
    const [all = new Map<string, State>()] = this.#maps;
    this.#maps = Array.from({ length: parts }, () => new Map<string, State>());
    for (const [key, state] of all) this.#mapOf(key).set(key, state);
    // What was being walked is not the table any more.
    this.#sweeping = this.#entries();
  }

  #mapOf(key: string): Map<string, State> {
    const { length } = this.#maps;
    return this.#maps[length === 1 ? 0 : partOf(key, length)] as Map<string, State>;
  }
}

/** FNV-1a of the characters that keys differ by most: their first hundred. */
function partOf(key: string, length: number): number {
  let hash = 0x811c9dc5;
  const end = Math.min(key.length, 100);
  for (let at = 0; at < end; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % length;
}
