/** The words of an index: each value that a search may name, once, under a number. Names of callers are keyed hashes. */
import { createHmac } from 'node:crypto';
import type { Database } from '../../../stores/sqlite/driver.ts';

/** Columns that a search may name, each with how its value is written in `words`. */
export const wordColumns = [
  'kind',
  'subject',
  'user',
  'agent',
  'application',
  'server',
  'capability',
  'method',
  'effect',
  'rule',
  'outcome',
  'reason',
] as const;
export type WordColumn = (typeof wordColumns)[number];

const maxCachedWords = 20_000;

type Statement = ReturnType<Database['prepare']>;

export class Words {
  readonly #hashKey: Buffer;
  readonly #statement: (sql: string) => Statement;
  /** Numbers of words that were used lately, by column. */
  readonly #known: Readonly<Record<WordColumn, Map<string, number>>>;

  /** `statement` prepares text for the database that is open now. */
  constructor(lookupKey: Buffer, statement: (sql: string) => Statement) {
    this.#hashKey = createHmac('sha256', lookupKey).update('sallyport index').digest();
    this.#statement = statement;
    this.#known = Object.fromEntries(wordColumns.map((column) => [column, new Map()])) as Record<
      WordColumn,
      Map<string, number>
    >;
  }

  /** Another process may have forgotten words, or the database is another one. */
  clear(): void {
    for (const column of wordColumns) this.#known[column].clear();
  }

  /** The number of a value; `undefined` when no record has it. */
  find(column: WordColumn, text: string): number | undefined {
    return this.findWritten(this.#written(column, text));
  }

  /** The same for a word as it stands in the table. */
  findWritten(text: string): number | undefined {
    const row = this.#statement('SELECT id FROM words WHERE text = ?').get(text);
    return row === undefined ? undefined : Number(row['id']);
  }

  /** The number of a value, which is added when it is new; `null` for none. */
  add(column: WordColumn, text: string | undefined): number | null {
    if (text === undefined) return null;
    const lately = this.#known[column];
    const known = lately.get(text);
    if (known !== undefined) return known;
    const written = this.#written(column, text);
    this.#statement('INSERT OR IGNORE INTO words (text) VALUES (?)').run(written);
    const id = this.findWritten(written) ?? 0;
    if (lately.size >= maxCachedWords) lately.clear();
    lately.set(text, id);
    return id;
  }

  #written(column: WordColumn, text: string): string {
    if (column !== 'user' && column !== 'agent' && column !== 'application') return `${column} ${text}`;
    return `name ${createHmac('sha256', this.#hashKey).update(`${column} ${text}`).digest('base64url').slice(0, 22)}`;
  }
}
