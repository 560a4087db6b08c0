/** What the data plane and the writer's thread say to each other. */
import type { AuditSettings } from '../settings.ts';

export interface WriterStart {
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

export type ToWriter =
  /** Three lines for each record: head, arguments, result. JSON texts, so none holds a line break. */
  string | { readonly type: 'settings'; readonly settings: AuditSettings } | { readonly type: 'close' };

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
  /** So many more records are durable. */
  | number
  | { readonly type: 'failing'; readonly problem: string }
  /** Nothing that holds a call up: an anchor does not answer, tiles cannot be synced. */
  | { readonly type: 'trouble'; readonly problem: string }
  | { readonly type: 'closed' };
