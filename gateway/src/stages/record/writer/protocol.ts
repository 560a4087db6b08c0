/** What the data plane and the writer's thread say to each other. */
import type { AuditSettings } from '../settings.ts';
import type { Posted, SharedRecords } from './hand-over.ts';

export interface WriterStart extends LogPlaces {
  readonly records: SharedRecords;
}

export interface LogPlaces {
  /** Folder of the log. */
  readonly folder: string;
  readonly keys: KeyPlaces;
  readonly master: Uint8Array;
  readonly settings: AuditSettings;
}

export interface KeyPlaces {
  readonly signing: string;
  readonly wrapping: string;
  readonly subjects: string;
  /** PEM from the configuration; takes the place of the file. */
  readonly signingPem?: string;
}

/** Records themselves are in the memory that both share. */
export type ToWriter =
  /** A record that is too large for it. */
  | Posted
  | { readonly type: 'settings'; readonly settings: AuditSettings }
  /** `rest`: the last records, which that memory had no room for. */
  | { readonly type: 'close'; readonly rest: readonly Posted[] };

export type FromWriter =
  | {
      readonly type: 'opened';
      readonly size: number;
      readonly origin: string;
      readonly key: string;
      /** When a gateway wrote last, in milliseconds since the epoch; 0: never. */
      readonly served: number;
    }
  | { readonly type: 'refused'; readonly locked: boolean; readonly problem: string; readonly remedy: string }
  | { readonly type: 'failing'; readonly problem: string }
  /** Nothing that holds a call up: an anchor does not answer, tiles cannot be synced. */
  | { readonly type: 'trouble'; readonly problem: string }
  | { readonly type: 'closed' };
