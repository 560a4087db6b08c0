/** `sallyport audit show <record>`: one exchange or record, with its private part if there still is one. */
import { Command } from 'commander';
import { shownInLine } from '../../protocol/shown.ts';
import type { ArchivedRecord } from '../../stages/record/read/archive.ts';
import { capabilityOf } from '../../stages/record/search-index/index-file.ts';
import { type Context, configOption, fail, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type LogOptions, logOption, type OpenLog, withLog } from './open.ts';
import { callerOf, missingKey, recordJson } from './shown.ts';

export function showCommand(context: Context): Command {
  return new Command('show')
    .summary('show one exchange')
    .description('Shows a record, and the other records of the same exchange, with arguments and results if kept.')
    .argument('<record>', 'number of a record, or a correlation id')
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit show 17')
    .action(async (which: string, options: LogOptions) => {
      await withLog(context, options, (log) => {
        const records = recordsOf(log, which);
        if (records.length === 0) return noRecord(context, options, { which, checkpoint: log.checkpoint });
        if (options.json === true) outJson(context, { ok: true, records: records.map(recordJson) });
        else {
          const [first] = records;
          if (first !== undefined) context.out(`${summary(first, records)}\n`);
          for (const record of records) context.out(`${text(record)}\n`);
        }
      });
    });
}

export function noRecord(
  context: Context,
  options: LogOptions,
  { which, checkpoint }: Pick<OpenLog, 'checkpoint'> & { readonly which: string },
): void {
  if (/^\d{1,15}$/.test(which) && Number(which) < checkpoint.size)
    return fail(context, options, {
      code: exitCodes.no,
      problem: `record ${which} was dropped by retention`,
      remedy: 'Its hash is still in the log: `audit search --kind retention` says what was dropped.',
    });
  fail(context, options, {
    code: exitCodes.no,
    problem: `there is no record ${which}`,
    remedy: 'Give the number or the correlation id of a record; `audit search` shows both.',
  });
}

/** The record and the others of its exchange, in order. */
export function recordsOf(log: OpenLog, which: string): ArchivedRecord[] {
  const { archive, index, checkpoint } = log;
  const given = /^\d{1,15}$/.test(which) ? archive.record(Number(which), checkpoint.size) : undefined;
  const id = given === undefined ? which : given.fields.id;
  if (id === undefined) return given === undefined ? [] : [given];
  const seqs = new Set(given === undefined ? [] : [given.seq]);
  for (const { seq, outcomeSeq } of index.search({ words: {}, id, limit: 100 })) {
    seqs.add(seq);
    if (outcomeSeq !== undefined) seqs.add(outcomeSeq);
  }
  return [...seqs]
    .toSorted((a, b) => a - b)
    .map((seq) => archive.record(seq, checkpoint.size))
    .filter((record) => record !== undefined);
}

/** What people ask first: who, what, by which rule, with which arguments, with which result. */
function summary(first: ArchivedRecord, records: readonly ArchivedRecord[]): string {
  const { fields } = first;
  const end = records.at(-1)?.fields ?? fields;
  const said = (part: 'arguments' | 'result'): string | undefined =>
    records.map(({ parts }) => parts?.[part]).find((each) => each !== undefined && each !== '');
  const { decision } = fields;
  const what = [fields.method, [fields.server, capabilityOf(fields)].filter((each) => each !== undefined).join('/')];
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['who', callerOf(first)],
    ['what', what.filter((each) => each !== undefined && each !== '').join(' ') || fields.kind],
    ['rule', decision && [decision.effect, decision.connection, decision.place].filter(Boolean).join(' ')],
    ['checks', checksOf(records)],
    ['arguments', said('arguments')],
    ['result', said('result')],
    ['outcome', [end.outcome, end.reason].filter(Boolean).join(' ') || undefined],
  ];
  return rows
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(10)} ${shownInLine(value)}`]))
    .join('\n');
}

function checksOf(records: readonly ArchivedRecord[]): string | undefined {
  const all = records.flatMap(({ fields }) => fields.checks ?? []);
  const texts = all.map(({ name, part, verdict }) => [name, part, verdict].filter(Boolean).join(' '));
  return texts.length === 0 ? undefined : texts.join(', ');
}

function text(record: ArchivedRecord): string {
  const { fields, privacy, about = {}, parts } = record;
  const lines = [`record ${record.seq}: ${fields.kind}`];
  for (const [name, value] of Object.entries(fields)) lines.push(`  ${name}: ${plain(name, value)}`);
  lines.push(`  private part: ${privacyText[privacy]}`);
  for (const [name, value] of Object.entries(about)) lines.push(`    ${name}: ${plain(name, value)}`);
  for (const name of ['arguments', 'result'] as const)
    if (parts !== undefined && parts[name] !== '') lines.push(`    ${name}: ${shownInLine(parts[name])}`);
  return lines.join('\n');
}

export const privacyText: Readonly<Record<ArchivedRecord['privacy'], string>> = {
  open: 'as follows',
  erased: 'erased: the key of its subject was destroyed',
  'key-missing': missingKey,
  dropped: 'dropped by retention',
  none: 'none',
};

function plain(name: string, value: unknown): string {
  if (typeof value === 'number' && ['time', 'written', 'ended'].includes(name)) return new Date(value).toISOString();
  return shownInLine(typeof value === 'string' ? value : JSON.stringify(value));
}
