/** Notices secrets that the command line puts, rotates and removes beside a running gateway. Opens none of them. */
import { editionsOf } from './store.ts';

export interface SecretChange {
  readonly name: string;
  readonly change: 'put' | 'rotated' | 'removed';
}

export class SecretChanges {
  readonly #data: string;
  /** Of one that is damaged, the edition that it had before. */
  #editions: ReadonlyMap<string, string | undefined>;

  constructor(data: string) {
    this.#data = data;
    this.#editions = this.#read();
  }

  /** What changed since the last look. Reads the folder: for when a change was announced. */
  look(): readonly SecretChange[] {
    const before = this.#editions;
    const found = editionsOf(this.#data);
    const after = new Map([...found].map(([name, edition]) => [name, edition ?? before.get(name)]));
    this.#editions = after;
    const changes: SecretChange[] = [];
    for (const [name, edition] of after) {
      if (!before.has(name)) changes.push({ name, change: 'put' });
      else if (before.get(name) !== edition) changes.push({ name, change: 'rotated' });
    }
    for (const name of before.keys()) if (!after.has(name)) changes.push({ name, change: 'removed' });
    return changes;
  }

  /** What cannot be read at the start is told of by the loading of the configuration. */
  #read(): ReadonlyMap<string, string | undefined> {
    try {
      return editionsOf(this.#data);
    } catch {
      return new Map();
    }
  }
}
