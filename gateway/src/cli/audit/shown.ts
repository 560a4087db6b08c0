/** How records look on the command line. */
import { capabilityOf } from '../../audit/index/index-file.ts';
import type { ArchivedRecord } from '../../audit/read/archive.ts';
import { callerKey } from '../../pipeline/caller.ts';
import { shownInLine } from '../../protocol/shown.ts';
import type { Context } from '../context.ts';

export function callerOf({ about, privacy }: ArchivedRecord): string {
  if (about === undefined) return privacy === 'none' ? '-' : `(${privacy})`;
  const { user, agent, application } = about;
  const parts = { ...(user && { user }), ...(agent && { agent }), ...(application && { application }) };
  return callerKey(parts) || '-';
}

/** Nobody said that it was to be so: it may be an accident, or somebody who hides something. */
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
  ]
    .filter((each) => each !== '')
    .map(shownInLine)
    .join('  ');
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
