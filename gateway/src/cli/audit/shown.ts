/** How records look on the command line. */

import { callerKey } from '../../pipeline/contracts/caller.ts';
import { shownInLine } from '../../protocol/shown.ts';
import type { ArchivedRecord } from '../../stages/record/read/archive.ts';
import { capabilityOf } from '../../stages/record/search-index/index-file.ts';
import type { Context, Tone } from '../context.ts';

export function callerOf({ about, privacy }: ArchivedRecord): string {
  if (about === undefined) return privacy === 'none' ? '-' : `(${privacy})`;
  const { user, agent, application } = about;
  const parts = { ...(user && { user }), ...(agent && { agent }), ...(application && { application }) };
  return callerKey(parts) || '-';
}

/** No erasure record explains the missing key: data loss or tampering. */
export const missingKey =
  'its key is missing and no record says that it was erased: restore log-subjects from a backup';

/** On stderr, so that it is seen whatever reads the records. */
export function sayMissingKeys(context: Context, count: number, what: string): void {
  if (count > 0) context.err(`sallyport: ${count} ${what}${count === 1 ? '' : 's'}: ${missingKey}`);
}

/**
 * One line for an exchange or another record. `outcome` is the record of its end; `intent` that of its beginning, which
 * says who called what.
 */
export function line(record: ArchivedRecord, outcome: ArchivedRecord | undefined, intent = record): string {
  return cells(record, outcome, intent)
    .filter((each) => each !== '')
    .map(shownInLine)
    .join('  ');
}

function cells(record: ArchivedRecord, outcome: ArchivedRecord | undefined, intent: ArchivedRecord): readonly string[] {
  const { fields } = record;
  const end = outcome?.fields ?? fields;
  const what = [fields.server, capabilityOf(intent.fields)].filter((each) => each !== undefined).join('/');
  return [
    String(record.seq).padStart(6),
    new Date(fields.time ?? fields.written).toISOString(),
    (fields.kind === 'intent' ? 'exchange' : fields.kind).padEnd(10),
    callerOf(intent),
    fields.method ?? '',
    what,
    fields.decision?.effect ?? '',
    end.outcome ?? (fields.kind === 'intent' ? 'under way' : ''),
    end.reason ?? '',
    fields.id ?? '',
  ];
}

const columns = ['record', 'time', 'kind', 'caller', 'method', 'what', 'decision', 'outcome', 'reason', 'id'] as const;
/** Characters of a column: a longer value pushes the rest of its own line. */
const widest = 40;

export interface Row {
  readonly text: string;
  readonly tone?: Tone;
}

/** Records as lines under each other, with a head and colours on a terminal; in a pipe each line stands for itself. */
export function rows(
  hits: readonly { readonly record: ArchivedRecord; readonly outcome?: ArchivedRecord }[],
  { terminal }: { readonly terminal?: boolean },
): readonly Row[] {
  if (terminal !== true || hits.length === 0)
    return hits.map(({ record, outcome }) => ({ text: line(record, outcome) }));
  const table = [[...columns], ...hits.map(({ record, outcome }) => cells(record, outcome, record).map(shownInLine))];
  const widths = columns.map((_, at) => Math.min(widest, Math.max(...table.map((row) => row[at]?.length ?? 0))));
  return table.map((row, index) => {
    const padded = row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)));
    const text = padded.join('  ').trimEnd();
    if (index === 0) return { text };
    const isBad = ['deny', 'hold'].includes(row[6] ?? '') || ['refused', 'error', 'tool-error'].includes(row[7] ?? '');
    if (isBad) return { text, tone: 'bad' };
    return row[7] === 'answered' ? { text, tone: 'good' } : { text };
  });
}

export interface RecordJson {
  readonly [field: string]: unknown;
}

/** Everything that is known of a record. */
export function recordJson({ fields, privacy, parts, about }: ArchivedRecord): RecordJson {
  if (parts === undefined) return { ...fields, privacy };
  const { arguments: args, result } = parts;
  const plaintext = { about, ...(args !== '' && { arguments: args }), ...(result !== '' && { result }) };
  return { ...fields, privacy, plaintext };
}
