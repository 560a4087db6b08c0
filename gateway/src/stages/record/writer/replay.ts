/** What the records that are read again when a log is opened say about how it goes on. */
import { unknown } from '../record/message.ts';
import { unknownSubject } from '../record/subject.ts';
import { type Dropped, nothingDropped } from '../retention/dropped.ts';
import type { OpenIntent } from './open-intents.ts';

/** What the next opening must know that is not in the records it reads again. */
export interface OpenState {
  readonly intents: readonly (readonly [string, OpenIntent])[];
  /** The time and the kind of the last record; empty where there is none. */
  readonly written: number;
  readonly kind: string;
  /** When a gateway wrote last, in milliseconds since the epoch: 0 before the first. A command writes beside or without one. */
  readonly served: number;
  /** The key of now last. */
  readonly keys: readonly KeyRecord[];
  readonly retention: RetentionState;
  /** Number of records when a writer closed the log. While there are no more, no later writer was interrupted. */
  readonly closedAt?: number;
}

/** What a record about a key of the log says, and which record that is. A later key is signed by itself and the one before. */
export interface KeyRecord {
  readonly seq: number;
  readonly event: 'created' | 'rotated';
  readonly key: string;
  readonly from?: string;
  readonly signatures?: readonly string[];
}

/** What a record says is dropped, and what of it is known to be off the disk. */
export interface RetentionState {
  readonly said: Dropped;
  readonly done: Dropped;
}

const ofCommands = new Set([
  'log-key',
  'master-key',
  'erasure',
  'retention',
  'export',
  'recovered',
  'clock',
  'subject-key-replaced',
]);

/** Is it a record that only a running gateway makes? */
export function isServed(kind: string, outcome: string | undefined): boolean {
  return !ofCommands.has(kind) && outcome !== unknown;
}

export class Replay {
  readonly #intents = new Map<string, OpenIntent>();
  readonly #closed = new Set<string>();
  #written = 0;
  #kind = '';
  #served = 0;
  readonly #keys: KeyRecord[] = [];
  #said: Dropped | undefined;

  /** Takes in one record. Returns the pseudonym of a subject that it says is erased. */
  read(seq: number, entry: Buffer): string | undefined {
    const fields = JSON.parse(entry.toString('utf8')) as Replayed;
    const { kind, id = '', detail } = fields;
    this.#written = fields.written;
    this.#kind = kind;
    if (isServed(kind, fields.outcome)) this.#served = fields.written;
    if (kind === 'intent') this.#intents.set(id, intentOf(seq, fields));
    else if (kind === 'outcome') {
      this.#intents.delete(id);
      this.#closed.add(id);
    } else if (kind === 'log-key') this.#keys.push({ ...(detail as Omit<KeyRecord, 'seq'>), seq });
    else if (kind === 'retention') this.#said = { tiers: detail?.tiers ?? {}, entries: detail?.entries ?? 0 };
    else if (kind === 'erasure') return detail?.subject;
    return undefined;
  }

  /** `before`: what was so when the first of these records was written. */
  continued(before: OpenState | undefined): OpenState {
    const earlier = (before?.intents ?? []).filter(([id]) => !this.#closed.has(id));
    const read = this.#kind !== '';
    return {
      intents: [...earlier, ...this.#intents],
      written: read ? this.#written : (before?.written ?? 0),
      kind: read ? this.#kind : (before?.kind ?? ''),
      served: this.#served || (before?.served ?? 0),
      keys: [...(before?.keys ?? []).filter(({ seq }) => this.#keys.every((read) => read.seq !== seq)), ...this.#keys],
      retention: {
        said: this.#said ?? before?.retention.said ?? nothingDropped,
        done: before?.retention.done ?? nothingDropped,
      },
    };
  }
}

/** The members of a public part that matter here. */
export interface Replayed {
  readonly kind: string;
  readonly written: number;
  readonly outcome?: string;
  readonly id?: string;
  readonly subject?: string;
  readonly server?: string;
  readonly method?: string;
  readonly tier?: OpenIntent['tier'];
  readonly detail?: { readonly subject?: string } & Partial<Dropped>;
}

export function intentOf(seq: number, { server, method = 'other', tier }: Replayed): OpenIntent {
  // The public part does not name the subject, so an intent given up after a crash has the subject `unknown`.
  return { seq, subject: unknownSubject, server, method, tier };
}
