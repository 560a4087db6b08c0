/** Notices secrets that the command line puts, rotates and removes beside a running gateway. Opens none of them. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { editionsOf } from './store.ts';

export interface SecretChange {
  readonly name: string;
  readonly change: 'put' | 'rotated' | 'removed';
}

/** The times of some file systems are this coarse, in milliseconds. */
const coarse = 2_000;

export class SecretChanges {
  readonly #data: string;
  #editions: ReadonlyMap<string, string>;
  #changedAt: number | undefined;

  constructor(data: string) {
    this.#data = data;
    this.#changedAt = this.#stamp();
    this.#editions = editionsOf(data);
  }

  /** What changed since the last look. Costs one `stat` while nothing does. */
  look(): readonly SecretChange[] {
    const changedAt = this.#stamp();
    if (changedAt === this.#changedAt && (changedAt === undefined || Date.now() - changedAt > coarse)) return [];
    const before = this.#editions;
    const after = editionsOf(this.#data);
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

  #stamp(): number | undefined {
    return statSync(join(this.#data, 'secrets'), { throwIfNoEntry: false })?.mtimeMs;
  }
}
