/** What an export makes of one exchange or other record, and how a format turns it into a line. */
import type { ArchivedRecord } from '../read/archive.ts';

export interface ExportedEvent {
  readonly origin: string;
  readonly record: ArchivedRecord;
  /** The record of the end of the exchange. */
  readonly outcome?: ArchivedRecord;
}

export interface ExportFormat {
  readonly name: string;
  readonly summary: string;
  line(event: ExportedEvent): string;
}

/** Fields of the end of an exchange, whichever record they stand in. */
export function endOf({ record, outcome }: ExportedEvent): ArchivedRecord['fields'] {
  return outcome?.fields ?? record.fields;
}

const troubling: ReadonlySet<string> = new Set([
  'authentication-failed',
  'authentication-throttled',
  'request-refused',
]);

/** Did it end badly for whoever asked, though it is no exchange with an outcome? */
export function isTroubling(kind: string): boolean {
  return troubling.has(kind);
}

export function timeOf({ record }: ExportedEvent): number {
  return record.fields.time ?? record.fields.written;
}
