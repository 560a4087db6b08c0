/** What an export makes of one exchange or other record, and how a format turns it into a line. */

import type { ArchivedRecord } from '../read/archive.ts';
import type { PartName } from '../record/private.ts';
import { capabilityOf } from '../search-index/index-file.ts';

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

/** Without the arguments and results that are not to be shown. Who called stays: that is what records are for. */
export function redacted(event: ExportedEvent, disclosed: readonly PartName[]): ExportedEvent {
  const { record, outcome } = event;
  return { ...event, record: bare(record, disclosed), ...(outcome && { outcome: bare(outcome, disclosed) }) };
}

function bare(record: ArchivedRecord, disclosed: readonly PartName[]): ArchivedRecord {
  if (record.parts === undefined) return record;
  const hidden = (['arguments', 'result'] as const).filter((part) => !disclosed.includes(part));
  return { ...record, parts: { ...record.parts, ...Object.fromEntries(hidden.map((part) => [part, ''])) } };
}

const troubling: ReadonlySet<string> = new Set([
  'authentication-failed',
  'authentication-throttled',
  'request-refused',
]);

/** What SIEM rules look for under the same name in every format. Absent members are left out. */
export function mcpOf({ record: { fields, about } }: ExportedEvent): Readonly<Record<string, string>> {
  const { id, method } = fields;
  const name = about?.uri ?? capabilityOf(fields);
  return {
    ...(method !== undefined && { mcp_method: method }),
    ...(name !== undefined && { mcp_name: name }),
    ...(id !== undefined && { correlation_id: id }),
    ...(about?.delegation !== undefined && { delegation_path: about.delegation.join(' > ') }),
  };
}

/** Was a request refused, though the record is no exchange with an outcome? */
export function isTroubling(kind: string): boolean {
  return troubling.has(kind);
}

export function timeOf({ record }: ExportedEvent): number {
  return record.fields.time ?? record.fields.written;
}
