/**
 * The index of a log: SQLite, made from the log and thrown away at will. It holds no plaintext: names of callers are
 * keyed hashes, arguments and results are not in it at all.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Database, isReadOnly, openPassing, transaction } from '../../../stores/sqlite/driver.ts';
import type { Archive, PublicPart } from '../read/archive.ts';
import { isDamage, openCurrent, openIndex, prepare, removeIndex, rootOver } from './database.ts';
import { forgetNames } from './forget.ts';
import { insertRow, type Row } from './rows.ts';
import { occur, Stretches, stretchesWith, stretchesWithId, stretchOf } from './stretches.ts';
import { type WordColumn, Words, wordColumns } from './words.ts';

export { capabilityOf } from './rows.ts';
export { type WordColumn, wordColumns } from './words.ts';

export interface Search {
  readonly words: Readonly<Partial<Record<WordColumn, string>>>;
  readonly id?: string;
  readonly since?: number;
  readonly until?: number;
  /** Only records before this one: the last one of the page before. */
  readonly before?: number;
  readonly limit: number;
}

export interface Found {
  readonly seq: number;
  readonly outcomeSeq?: number;
}

/** Records that one transaction takes in, so that a search never waits long for the lock. */
const batch = 2_000;

export class IndexFile {
  #database: Database;
  readonly #archive: Archive;
  /** Where it lies; `undefined` of one that is thrown away. */
  readonly #path: string | undefined;
  readonly #onRebuilt: (why: string) => void;
  readonly #words: Words;
  readonly #stretches = new Stretches();
  readonly #statements = new Map<string, ReturnType<Database['prepare']>>();
  #version = 0;

  private constructor(
    database: Database,
    archive: Archive,
    path: string | undefined,
    onRebuilt: (why: string) => void,
  ) {
    this.#database = database;
    this.#words = new Words(archive.lookupKey, (sql) => this.#statement(sql));
    this.#archive = archive;
    this.#path = path;
    this.#onRebuilt = onRebuilt;
    const why = path === undefined ? undefined : this.#guarded(() => this.#wrong());
    if (why !== undefined) this.#rebuild(why);
  }

  /**
   * Opens it to keep it up to date; made when missing. One that is damaged, or that stands for another history than the
   * log has, is made anew from the log, and `onRebuilt` hears why.
   */
  static open(path: string, archive: Archive, onRebuilt: (why: string) => void = () => {}): IndexFile {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
      onRebuilt('is not a file');
      removeIndex(path);
    }
    const open = (): IndexFile => new IndexFile(openIndex(path, archive.origin), archive, path, onRebuilt);
    try {
      return open();
    } catch (error) {
      if (!isDamage(error)) throw error;
      onRebuilt(`is damaged (${(error as Error).message})`);
      removeIndex(path);
      return open();
    }
  }

  /** The same; where nothing can be written, as it is when it is current, else one that is made anew and thrown away. */
  static openToRead(path: string, archive: Archive, onRebuilt: (why: string) => void = () => {}): IndexFile {
    try {
      return IndexFile.open(path, archive, onRebuilt);
    } catch (error) {
      // So Node says that a folder cannot be made on a file system that cannot be written.
      const unwritable = isReadOnly(error) || (error as NodeJS.ErrnoException).code === 'ENOENT';
      const found = openCurrent(path, archive);
      if (found !== undefined) return new IndexFile(found, archive, undefined, onRebuilt);
      // The index file cannot be used; the log can be read without it.
      if (!unwritable) onRebuilt(`cannot be used (${(error as Error).message})`);
      const passing = openPassing();
      prepare(passing, archive.origin);
      return new IndexFile(passing, archive, undefined, onRebuilt);
    }
  }

  /** The index of the first record that is not in it. */
  get next(): number {
    return Number(this.#database.prepare('SELECT next FROM progress').get()?.['next'] ?? 0);
  }

  /** Takes in what the log has published, one batch at most. True when there is more. */
  catchUp(archive: Archive): boolean {
    return this.#guarded(() => this.#catchUp(archive));
  }

  #catchUp(archive: Archive): boolean {
    const size = archive.reader.checkpoint()?.size ?? 0;
    if (this.next > size) this.#rebuild('is ahead of the log, which was put back to an earlier state');
    if (this.next >= size) return false;
    return transaction(this.#database, () => {
      // Another process may have done some of it meanwhile.
      const version = Number(this.#database.prepare('PRAGMA data_version').get()?.['data_version']);
      // It may have forgotten words as well.
      if (version !== this.#version) this.#words.clear();
      this.#version = version;
      const from = this.next;
      const to = Math.min(size, from + batch);
      const rows = new Map<number, Row>();
      for (const { seq, entry } of archive.reader.entries(from, to, size)) {
        const fields = JSON.parse(entry.toString('utf8')) as PublicPart;
        this.#take(rows, seq, fields, archive);
      }
      const statement = (sql: string) => this.#statement(sql);
      // Of a batch that failed.
      this.#stretches.clear();
      for (const row of rows.values()) insertRow({ statement, words: this.#words, stretches: this.#stretches }, row);
      this.#stretches.write(statement);
      this.#database
        .prepare('UPDATE progress SET next = ?, root = ?, rows = rows + ?')
        .run(to, rootOver(archive, to), rows.size);
      return to < size;
    });
  }

  search(search: Search): Found[] {
    return this.#guarded(() => this.#search(search));
  }

  #search({ limit, ...search }: Search): Found[] {
    const where = this.#where(search);
    if (where === undefined) return [];
    const query = this.#database.prepare(
      `SELECT seq, outcome_seq FROM records ${where.condition} ORDER BY seq DESC LIMIT ?`,
    );
    const found: Found[] = [];
    for (const { from, to } of where.places) {
      for (const row of query.all(from, to, ...where.values, limit - found.length))
        found.push({
          seq: Number(row['seq']),
          ...(row['outcome_seq'] === null ? {} : { outcomeSeq: Number(row['outcome_seq']) }),
        });
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Does any record say this? */
  knows(column: WordColumn, text: string): boolean {
    return this.#guarded(() => this.#words.find(column, text) !== undefined);
  }

  /** How many rows a search would find without a limit. */
  count(search: Omit<Search, 'limit'>): number {
    return this.#guarded(() => this.#count(search));
  }

  #count(search: Omit<Search, 'limit'>): number {
    const where = this.#where(search);
    if (where === undefined) return 0;
    const query = this.#database.prepare(`SELECT count(*) AS n FROM records ${where.condition}`);
    let count = 0;
    for (const { from, to } of where.places) count += Number(query.get(from, to, ...where.values)?.['n'] ?? 0);
    return count;
  }

  /** The condition, whose first two values are a range of records, and the ranges to look at. `undefined`: no record has a word. */
  #where({ words, id, since, until, before }: Omit<Search, 'limit'>) {
    const where = ['seq >= ?', 'seq < ?'];
    const values: (string | number)[] = [];
    const found: number[] = [];
    for (const column of wordColumns) {
      const text = words[column];
      if (text === undefined) continue;
      const word = this.#words.find(column, text);
      if (word === undefined) return undefined;
      where.push(`${column} = ?`);
      values.push(word);
      found.push(word);
    }
    const put = (condition: string, value: string | number | undefined): void => {
      if (value === undefined) return;
      where.push(condition);
      values.push(value);
    };
    put('id = ?', id);
    put('time >= ?', since);
    put('time < ?', until);
    put('seq < ?', before);
    const condition = `WHERE ${where.join(' AND ')}`;
    if (id !== undefined) return { condition, values, places: stretchesWithId(this.#database, id) };
    const isAll = found.length === 0 && since === undefined && until === undefined;
    const places = isAll
      ? [{ from: 0, to: Number.MAX_SAFE_INTEGER }]
      : stretchesWith(this.#database, { words: found, since, until, before });
    return { condition, values, places };
  }

  /** Pseudonyms with the number of their records and the first and last of them. */
  subjects(): { pseudonym: string; records: number; first: number; last: number }[] {
    return this.#guarded(() => this.#subjects());
  }

  #subjects(): { pseudonym: string; records: number; first: number; last: number }[] {
    return this.#database
      .prepare(
        `SELECT w.text, count(*) AS records, min(seq) AS first, max(seq) AS last
         FROM records JOIN words w ON w.id = subject GROUP BY subject ORDER BY last DESC`,
      )
      .all()
      .map((row) => ({
        pseudonym: String(row['text']).slice('subject '.length),
        records: Number(row['records']),
        first: Number(row['first']),
        last: Number(row['last']),
      }));
  }

  /** Pseudonyms of all subjects, one after the other, however many there are. */
  *pseudonyms(): Generator<string> {
    for (const { text } of this.#database.prepare(`SELECT text FROM words WHERE text LIKE 'subject %'`).iterate())
      yield String(text).slice('subject '.length);
  }

  /** Does a record say that this subject was erased? */
  isErased(pseudonym: string): boolean {
    return this.#guarded(
      () => this.#statement('SELECT 1 FROM erased WHERE pseudonym = ?').get(pseudonym) !== undefined,
    );
  }

  /** Forgets who an erased subject was: the rows stay, as the public parts do, and say nothing of names. */
  forget(pseudonym: string): void {
    this.#guarded(() => this.#forget(pseudonym));
  }

  #forget(pseudonym: string): void {
    const word = this.#words.findWritten(`subject ${pseudonym}`);
    if (word === undefined) return;
    forgetNames(this.#database, word);
    this.#words.clear();
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  close(): void {
    this.#database.close();
  }

  /** Does it, and once more with a new index when this one turns out to be damaged. */
  #guarded<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (this.#path === undefined || !isDamage(error)) throw error;
      this.#rebuild(`is damaged (${(error as Error).message})`);
      return work();
    }
  }

  /** Why it does not stand for the log as it is; `undefined` when it does. */
  #wrong(): string | undefined {
    const row = this.#database.prepare('SELECT next, root, rows FROM progress').get();
    // Throws when a table is gone.
    for (const table of ['words', 'erased', 'stretches', 'stretch_ids', 'occurrences'])
      this.#database.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get();
    const next = Number(row?.['next'] ?? 0);
    if (next === 0) return undefined;
    if (next > (this.#archive.reader.checkpoint()?.size ?? 0))
      return 'is ahead of the log, which was put back to an earlier state';
    const root = rootOver(this.#archive, next);
    if (root !== '' && row?.['root'] !== '' && row?.['root'] !== root) return 'stands for another history than the log';
    const rows = this.#database.prepare('SELECT count(*) AS n FROM records').get()?.['n'];
    return rows === row?.['rows'] ? undefined : 'lacks rows, or has some too many';
  }

  #rebuild(why: string): void {
    if (this.#path === undefined) return;
    this.#onRebuilt(why);
    this.#database.close();
    this.#statements.clear();
    this.#words.clear();
    this.#erased.length = 0;
    removeIndex(this.#path);
    this.#database = openIndex(this.#path, this.#archive.origin);
    while (this.#catchUp(this.#archive));
  }

  /** An outcome goes into the row of its intent, which is mostly in the same batch. */
  #take(rows: Map<number, Row>, seq: number, fields: PublicPart, archive: Archive): void {
    const outcome = this.#words.add('outcome', fields.outcome);
    const reason = this.#words.add('reason', fields.reason);
    if (fields.kind === 'outcome' && fields.parent !== undefined) {
      const row = rows.get(fields.parent);
      if (row === undefined) {
        this.#statement('UPDATE records SET outcome = ?, reason = ?, outcome_seq = ? WHERE seq = ?').run(
          outcome,
          reason,
          seq,
          fields.parent,
        );
        occur((sql) => this.#statement(sql), stretchOf(fields.parent), [outcome, reason]);
      } else Object.assign(row, { outcome, reason, outcomeSeq: seq });
      return;
    }
    rows.set(seq, { seq, fields, about: archive.names(seq, fields), outcome, reason, outcomeSeq: null });
    if (fields.kind === 'erasure' && typeof fields.detail?.['subject'] === 'string') {
      this.#statement('INSERT OR IGNORE INTO erased VALUES (?)').run(fields.detail['subject']);
      this.#erased.push(fields.detail['subject']);
    }
  }

  readonly #erased: string[] = [];

  /** Subjects whose tombstones came by since the last call. */
  takeErased(): string[] {
    return this.#erased.splice(0);
  }

  #statement(sql: string): ReturnType<Database['prepare']> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}
