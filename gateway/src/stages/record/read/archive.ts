/** A log together with the keys of its subjects: records with their private parts. */

import { readFileSync } from '../../../stores/own-files.ts';
import { sha256 } from '../hash.ts';
import { localKeyService, openWrappingKey } from '../keys/key-service.ts';
import { Subjects } from '../keys/subjects.ts';
import { realDisk } from '../log/disk.ts';
import { openAbout, openParts, type PrivateParts } from '../record/private.ts';
import { readOrigin } from '../writer/open.ts';
import type { KeyPlaces } from '../writer/protocol.ts';
import { LogReader } from './log-reader.ts';

/** The public part, as JSON. `docs/evidence.md` lists the fields. */
export interface PublicPart {
  /** Version of the record: 1, 2 or 3. */
  readonly v: number;
  readonly seq: number;
  readonly kind: string;
  readonly written: number;
  readonly time?: number;
  readonly subject: string;
  readonly id?: string;
  readonly parent?: number;
  readonly method?: string;
  readonly server?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly private?: string;
  readonly tier?: string;
  readonly capability?: { readonly type: string; readonly name?: string; readonly template?: string };
  readonly decision?: { readonly effect: string; readonly connection?: string; readonly place?: string };
  readonly checks?: readonly { readonly name: string; readonly part?: string; readonly verdict: string }[];
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface About {
  readonly user?: string;
  readonly agent?: string;
  readonly application?: string;
  readonly credential?: { readonly kind: string; readonly id: string };
  /** On whose behalf the caller acts, the first one first. */
  readonly delegation?: readonly string[];
  readonly scopes?: readonly string[];
  readonly audience?: string;
  readonly address?: string;
  readonly client?: { readonly name: string; readonly version: string };
  readonly uri?: string;
  readonly rule?: string;
  readonly detail?: string;
  readonly error?: string;
  readonly [field: string]: unknown;
}

export interface ArchivedRecord {
  readonly seq: number;
  readonly entry: Buffer;
  readonly fields: PublicPart;
  /**
   * `erased`: its key is gone, as a record says. `key-missing`: its key is gone, and no record says why. `dropped`:
   * retention took it. `none`: it never had one.
   */
  readonly privacy: 'open' | 'erased' | 'key-missing' | 'dropped' | 'none';
  readonly parts?: PrivateParts;
  readonly about?: About;
}

const nothing = Buffer.alloc(0);

export class Archive {
  readonly reader: LogReader;
  readonly origin: string;
  readonly subjects: Subjects;
  /** For what must be looked up without being written down. */
  readonly lookupKey: Buffer;
  /** Does a record say that this subject was erased? The index knows; without one every missing key counts as lost. */
  saysErased: (pseudonym: string) => boolean = () => false;
  #lastAbout: { readonly text: string; readonly about: About } = { text: '', about: {} };

  private constructor(folder: string, origin: string, subjects: Subjects, wrapping: Buffer) {
    this.reader = new LogReader(folder);
    this.origin = origin;
    this.subjects = subjects;
    this.lookupKey = wrapping;
  }

  static async open(folder: string, keys: KeyPlaces, master: Buffer): Promise<Archive> {
    const origin = readOrigin(folder);
    // Reading makes no key: without one there is nothing to read.
    readFileSync(keys.wrapping);
    const wrapping = await openWrappingKey({ path: keys.wrapping, context: `log ${origin}` }, localKeyService(master));
    return new Archive(folder, origin, new Subjects(keys.subjects, realDisk, wrapping), wrapping);
  }

  record(seq: number, size: number): ArchivedRecord | undefined {
    const entry = this.reader.entry(seq, size);
    return entry === undefined ? undefined : this.open(seq, entry);
  }

  /** What a record says of its caller; nothing of an outcome, which says nothing of it. Throws as `open` does. */
  names(seq: number, fields: PublicPart): About | undefined {
    if (fields.private === undefined || fields.kind === 'outcome') return undefined;
    const keys = this.subjects.byPseudonym(fields.subject);
    const sealed = keys === undefined ? nothing : this.reader.sealed(seq);
    if (keys === undefined || sealed.length === 0) return undefined;
    const text = openAbout(keys, { origin: this.origin, seq, version: fields.v }, sealed);
    if (text === undefined) throw new Error(`the private part of record ${seq} does not open with its key`);
    return this.#aboutOf(text);
  }

  /** Of one caller it is mostly the same text. */
  #aboutOf(text: string): About {
    if (text === this.#lastAbout.text) return this.#lastAbout.about;
    const about = text === '' ? {} : (JSON.parse(text) as About);
    this.#lastAbout = { text, about };
    return about;
  }

  open(seq: number, entry: Buffer): ArchivedRecord {
    const fields = JSON.parse(entry.toString('utf8')) as PublicPart;
    const base = { seq, entry, fields };
    if (fields.private === undefined) return { ...base, privacy: 'none' };
    const keys = this.subjects.byPseudonym(fields.subject);
    if (keys === undefined && this.saysErased(fields.subject)) return { ...base, privacy: 'erased' };
    const sealed = this.reader.sealed(seq);
    if (sealed.length === 0) return { ...base, privacy: 'dropped' };
    if (keys === undefined) return { ...base, privacy: 'key-missing' };
    if (sha256(sealed).toString(fields.v === 1 ? 'hex' : 'base64url') !== fields.private)
      throw new Error(`the private part of record ${seq} is not the one that was recorded`);
    const parts = openParts(keys, { origin: this.origin, seq, version: fields.v }, sealed);
    if (parts === undefined) throw new Error(`the private part of record ${seq} does not open with its key`);
    const about = parts.about === '' ? {} : (JSON.parse(parts.about) as About);
    return { ...base, privacy: 'open', parts, about };
  }
}
