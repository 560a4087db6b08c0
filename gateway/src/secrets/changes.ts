/** Notices secrets that the command line puts, rotates and removes beside a running gateway. Opens none of them. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { editionsOf } from './store.ts';

export interface SecretChange {
  readonly name: string;
  readonly change: 'put' | 'rotated' | 'removed';
}

/** The times of some file systems have this resolution. */
const mtimeResolutionMs = 2_000;

export class SecretChanges {
  readonly #data: string;
  /** Of one that is damaged, the edition that it had before. */
  #editions: ReadonlyMap<string, string | undefined>;
  #changedAt: number | undefined;

  constructor(data: string) {
    this.#data = data;
    this.#changedAt = this.#stamp();
    this.#editions = this.#read();
  }

  /** What changed since the last look. Costs one `stat` while nothing does. */
  look(): readonly SecretChange[] {
    const changedAt = this.#stamp();
    if (changedAt === this.#changedAt && (changedAt === undefined || Date.now() - changedAt > mtimeResolutionMs))
      return [];
    const before = this.#editions;
    const found = editionsOf(this.#data);
    const after = new Map([...found].map(([name, edition]) => [name, edition ?? before.get(name)]));
    this.#changedAt = changedAt;
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

  #stamp(): number | undefined {
    return statSync(join(this.#data, 'secrets'), { throwIfNoEntry: false })?.mtimeMs;
  }
}
