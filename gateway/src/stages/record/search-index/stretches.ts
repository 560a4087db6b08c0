/** Which words and ids the rows of a stretch of records have, and from when they are: where a search looks, and where it need not. */
import type { Database } from '../../../stores/sqlite/driver.ts';

/** Records of a stretch. */
export const stretchLength = 1_024;

export function stretchOf(seq: number): number {
  return Math.floor(seq / stretchLength);
}

type StatementOf = (sql: string) => ReturnType<Database['prepare']>;

interface Stretch {
  readonly words: Set<number>;
  readonly marks: number[];
  earliest: number;
  latest: number;
}

interface StretchRow {
  readonly seq: number;
  readonly time: number;
  readonly id: string | undefined;
}

/** Gathers what a batch of rows adds, and writes it at once. */
export class Stretches {
  readonly #fresh = new Map<number, Stretch>();

  /** A row with these words. */
  add({ seq, time, id }: StretchRow, words: readonly (number | null)[]): void {
    const stretch = this.#stretch(seq, time);
    if (id !== undefined) stretch.marks.push(markOf(id));
    stretch.earliest = Math.min(stretch.earliest, time);
    stretch.latest = Math.max(stretch.latest, time);
    for (const word of words) if (word !== null) stretch.words.add(word);
  }

  #stretch(seq: number, time: number): Stretch {
    const stretch = stretchOf(seq);
    const known = this.#fresh.get(stretch);
    if (known !== undefined) return known;
    const made = { words: new Set<number>(), marks: [], earliest: time, latest: time };
    this.#fresh.set(stretch, made);
    return made;
  }

  write(statement: StatementOf): void {
    const put = statement(
      `INSERT INTO stretches VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)`,
    );
    for (const [stretch, { words, marks, earliest, latest }] of this.#fresh) {
      put.run(stretch, earliest, latest);
      if (marks.length > 0) mark(statement, stretch, marks);
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

/** Adds to what a stretch has. */
function mark(statement: StatementOf, stretch: number, marks: readonly number[]): void {
  const had = marksOf(statement('SELECT marks FROM stretch_ids WHERE stretch = ?').get(stretch)?.['marks']);
  const all = new Uint32Array(had.length + marks.length);
  all.set(had);
  all.set(marks, had.length);
  statement('INSERT INTO stretch_ids VALUES (?, ?) ON CONFLICT DO UPDATE SET marks = excluded.marks').run(
    stretch,
    new Uint8Array(all.buffer),
  );
}

/** A copy, as the bytes may stand anywhere. */
function marksOf(bytes: unknown): Uint32Array {
  return bytes instanceof Uint8Array ? new Uint32Array(bytes.slice().buffer) : new Uint32Array();
}

/** 32 bits of an id (FNV-1a): a stretch without it seldom has them, and its rows are looked at in any case. */
function markOf(id: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01_00_01_93);
  return hash >>> 0;
}

/** Where records are. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

function placeOf(stretch: unknown): Place {
  const from = Number(stretch) * stretchLength;
  return { from, to: from + stretchLength };
}

/** The stretches that may have a row with this id, the youngest first. */
export function* stretchesWithId(database: Database, id: string): Generator<Place> {
  const wanted = markOf(id);
  for (const { stretch, marks } of database.prepare('SELECT * FROM stretch_ids ORDER BY stretch DESC').iterate())
    if (marksOf(marks).includes(wanted)) yield placeOf(stretch);
}

export interface Looked {
  readonly words: readonly number[];
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly before: number | undefined;
}

/** The stretches that may have rows with all of these words, the youngest first. */
export function* stretchesWith(database: Database, { words, since, until, before }: Looked): Generator<Place> {
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
  for (const { stretch } of found.iterate(...values)) yield placeOf(stretch);
}
