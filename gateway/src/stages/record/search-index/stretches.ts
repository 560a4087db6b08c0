/** Which words the rows of a stretch of records have, and from when they are: where a search looks, and where it need not. */
import type { Database } from '../../../stores/sqlite/driver.ts';

/** Records of a stretch. */
export const stretchLength = 1_024;

export function stretchOf(seq: number): number {
  return Math.floor(seq / stretchLength);
}

type StatementOf = (sql: string) => ReturnType<Database['prepare']>;

interface Stretch {
  readonly words: Set<number>;
  earliest: number;
  latest: number;
}

/** Gathers what a batch of rows adds, and writes it at once. */
export class Stretches {
  readonly #fresh = new Map<number, Stretch>();

  /** A row with these words. */
  add(seq: number, time: number, words: readonly (number | null)[]): void {
    const stretch = this.#stretch(seq, time);
    stretch.earliest = Math.min(stretch.earliest, time);
    stretch.latest = Math.max(stretch.latest, time);
    for (const word of words) if (word !== null) stretch.words.add(word);
  }

  #stretch(seq: number, time: number): Stretch {
    const stretch = stretchOf(seq);
    const known = this.#fresh.get(stretch);
    if (known !== undefined) return known;
    const made = { words: new Set<number>(), earliest: time, latest: time };
    this.#fresh.set(stretch, made);
    return made;
  }

  write(statement: StatementOf): void {
    const put = statement(
      `INSERT INTO stretches VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)`,
    );
    for (const [stretch, { words, earliest, latest }] of this.#fresh) {
      put.run(stretch, earliest, latest);
      occur(statement, stretch, words);
    }
    this.clear();
  }

  /** What was gathered is not written after all. */
  clear(): void {
    this.#fresh.clear();
  }
}

/** A row that is there already has these words as well. */
export function occur(statement: StatementOf, stretch: number, words: Iterable<number | null>): void {
  const put = statement('INSERT OR IGNORE INTO occurrences VALUES (?, ?)');
  for (const word of words) if (word !== null) put.run(word, stretch);
}

export interface Looked {
  readonly words: readonly number[];
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly before: number | undefined;
}

/** The stretches that may have rows with all of these words, the youngest first. */
export function* stretchesWith(
  database: Database,
  { words, since, until, before }: Looked,
): Generator<{ readonly from: number; readonly to: number }> {
  const conditions = words.map(() => 'EXISTS (SELECT 1 FROM occurrences o WHERE o.word = ? AND o.stretch = s.stretch)');
  const values: number[] = [...words];
  const put = (condition: string, value: number | undefined): void => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  put('latest >= ?', since);
  put('earliest < ?', until);
  put('stretch <= ?', before === undefined ? undefined : stretchOf(Math.max(0, before - 1)));
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const found = database.prepare(`SELECT stretch FROM stretches s ${where} ORDER BY stretch DESC`);
  for (const { stretch } of found.iterate(...values)) {
    const from = Number(stretch) * stretchLength;
    yield { from, to: from + stretchLength };
  }
}
