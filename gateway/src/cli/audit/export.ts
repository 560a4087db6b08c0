/** `sallyport audit export`: records for other systems, for a case, or for the person they are about. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { shown, shownInLine } from '../../protocol/shown.ts';
import { redacted } from '../../stages/record/export/event.ts';
import { exportFormats } from '../../stages/record/export/index.ts';
import { keyRecords, type Proof, prove } from '../../stages/record/read/prove.ts';
import { type PartName, partNames } from '../../stages/record/record/private.ts';
import type { WholeFile } from '../../stores/whole-file.ts';
import { type Context, fail, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { openOutput, writeOutput } from '../output-file.ts';
import {
  type Failure,
  type LogFailure,
  type Logs,
  logsOf,
  logsOption,
  type OpenLog,
  openLogs,
  readEach,
  readLog,
  sayFailures,
} from './open.ts';
import { cannotWrite, readDisclose } from './prove.ts';
import {
  type Filter,
  find,
  type Hit,
  inLog,
  lacksKey,
  readSearch,
  type Search,
  type SearchOptions,
  searchOptions,
} from './search.ts';
import { sayShared } from './shared-key.ts';
import { sayMissingKeys } from './shown.ts';

interface Options extends SearchOptions {
  readonly format: string;
  readonly out?: string;
  readonly disclose?: string;
}

interface Exported {
  readonly records: number;
  readonly failures: readonly LogFailure[];
}

const names = [...exportFormats.map(({ name }) => name), 'proof'];
/** Records of one proof: each has a path to the root. */
const maxProved = 10_000;
const maxExported = 999_999_999;

export function exportCommand(context: Context): Command {
  return searchOptions(new Command('export'))
    .summary('write records for other systems')
    .description(
      `Writes what a search finds, the newest first. Formats: ${exportFormats
        .map(({ name, summary }) => `${name} (${summary})`)
        .join(
          ', ',
        )}, proof (a bundle of up to ${maxProved} records that sallyport-verify checks). --subject user:… answers an access request, from every log of the data folder.`,
    )
    .option('--limit <number>', 'maximum number of exchanges (default: all)')
    .option('--format <format>', names.join(', '), 'ndjson')
    .option(
      '--disclose <parts>',
      `what of the private parts is shown (${partNames.join(', ')}; default: nothing, but who called except in a proof)`,
    )
    .option('--out <file>', 'write there instead of printing')
    .option(...logsOption)
    .addHelpText('after', '\nExample:\n  sallyport audit export --since 24h --format ocsf --out events.ndjson')
    .action((options: Options) => runExport(context, options));
}

async function runExport(context: Context, options: Options): Promise<void> {
  const usage = (problem: string, remedy: string): void =>
    fail(context, options, { code: exitCodes.usage, problem: problem, remedy: remedy });
  if (!names.includes(options.format))
    return usage(`there is no format ${options.format}`, `There are: ${names.join(', ')}.`);
  const disclose = readDisclose(options.disclose);
  if (typeof disclose === 'string') return usage(disclose, `There are: ${partNames.join(', ')}.`);
  const search = readSearch(options, Date.now(), maxExported);
  if (typeof search === 'string') return usage(search, 'Try --help.');
  const logs = await openLogs(context, options);
  if (logs === undefined) return;
  const path = options.out === undefined ? undefined : resolve(context.cwd, options.out);
  const request: Request = { context, options, logs, search, path, disclose };
  const exported = options.format === 'proof' ? await exportProof(request) : await exportLines(request);
  if (exported === undefined) return;
  const { records, failures } = exported;
  if (path !== undefined && options.json === true)
    outJson(context, { ok: failures.length === 0, path, records, failures });
  else if (path !== undefined) context.out(`${path}: ${records} records`);
  await noteExport(request, records);
  sayFailures(context, options, failures);
}

/** What left the log is a record of it. Where the log cannot be written, as in a copy, that is said and no more. */
async function noteExport(request: Request, records: number): Promise<void> {
  const { context, options, logs, disclose } = request;
  const disclosed = disclose.toSorted().join(',');
  const { format } = options;
  let problem: string | undefined;
  const failure = await readLog(logs, namesOf(request)[0] ?? 'log', async (log) => {
    const answer = await log.ask({ do: 'note-export', format, disclosed, records });
    if (!answer.ok) ({ problem } = answer);
  });
  problem ??= failure?.problem;
  if (problem !== undefined) context.err(`sallyport: the export is not recorded: ${shownInLine(problem)}`);
}

interface Request {
  readonly context: Context;
  readonly options: Options;
  readonly logs: Logs;
  readonly search: Search;
  readonly path: string | undefined;
  readonly disclose: readonly PartName[];
}

/** What is held about a person may be in any log. */
function namesOf({ options, logs }: Request): readonly string[] {
  if (options.log !== undefined) return [options.log];
  const all = options.subject === undefined ? [] : logsOf(logs.configuration.data);
  return all.length === 0 ? ['log'] : all;
}

/** Everything that a search finds, page by page, so that memory does not grow with it. */
function* pages(log: OpenLog, search: Search, filter: Filter, most: number): Generator<Hit> {
  let { before } = search;
  for (let left = most; left > 0; ) {
    const limit = Math.min(left, 500);
    const { hits, next } = find(log, { ...search, limit, ...(before === undefined ? {} : { before }) }, filter);
    yield* hits;
    if (next === undefined) return;
    left -= hits.length;
    before = next;
  }
}

async function exportLines(request: Request): Promise<Exported | undefined> {
  const { context, options, logs, search, path, disclose } = request;
  const format = exportFormats.find((each) => each.name === options.format);
  if (format === undefined) return undefined;
  const unwritten = (error: unknown): undefined => failWith(context, options, cannotWrite(path ?? '', error));
  let file: WholeFile | undefined;
  try {
    file = path === undefined ? undefined : openOutput(path);
  } catch (error) {
    return unwritten(error);
  }
  let records = 0;
  let missing = 0;
  let trouble: { readonly error: unknown } | undefined;
  try {
    const failures = await readEach(logs, namesOf(request), (log): Failure | undefined => {
      if (trouble !== undefined) return undefined;
      const { origin } = log.archive;
      sayShared(context, log, options.subject);
      for (const hit of pages(
        log,
        inLog(search, options, { ...log, cwd: context.cwd }),
        options,
        search.limit - records,
      )) {
        if (lacksKey(hit)) missing++;
        const line = shownInLine(format.line(redacted({ origin, ...hit }, disclose)));
        if (file === undefined) context.out(line);
        else
          try {
            file.write(`${line}\n`);
          } catch (error) {
            trouble = { error };
            return undefined;
          }
        records++;
      }
      return undefined;
    });
    // A file that lacks records is none: what was there before stays, and nothing is announced.
    if (trouble !== undefined) return unwritten(trouble.error);
    try {
      file?.commit();
    } catch (error) {
      return unwritten(error);
    }
    sayMissingKeys(context, missing, 'record');
    return { records, failures };
  } finally {
    file?.abandon();
  }
}

async function exportProof(request: Request): Promise<Exported | undefined> {
  const { context, options, logs, search, path, disclose } = request;
  const bundles: { readonly log: string; readonly proof: Proof; readonly records: number }[] = [];
  const failures = await readEach(logs, namesOf(request), (log) => {
    sayShared(context, log, options.subject);
    const seqs: number[] = [];
    let count = 0;
    for (const { record, outcome } of pages(
      log,
      inLog(search, options, { ...log, cwd: context.cwd }),
      options,
      search.limit,
    )) {
      const found = outcome === undefined ? [record.seq] : [record.seq, outcome.seq];
      count += found.length;
      if (count <= maxProved) seqs.push(...found);
    }
    if (count > maxProved)
      return {
        code: exitCodes.no,
        problem: `${count} records match, and a bundle holds ${maxProved} at most`,
        remedy: 'Narrow it with --since, --until, --caller or --server, or take the newest with --limit.',
      };
    if (count === 0) return undefined;
    bundles.push({ log: log.name, proof: proofOf(log, seqs, disclose), records: count });
    return undefined;
  });
  const [bundle, ...more] = bundles;
  if (failures.length > 0 && bundle === undefined) return { records: 0, failures };
  if (bundle === undefined)
    fail(context, options, { code: exitCodes.no, problem: 'No record matches', remedy: 'Nothing was written.' });
  else if (more.length > 0)
    fail(context, options, {
      code: exitCodes.no,
      problem: `records of several logs match (${bundles.map(({ log }) => log).join(', ')}), and a proof is about one`,
      remedy: 'Make one for each with --log.',
    });
  if (bundle === undefined || more.length > 0) return undefined;
  const text = shown(JSON.stringify(bundle.proof, undefined, 2));
  if (path === undefined) context.out(text);
  else
    try {
      writeOutput(path, `${text}\n`);
    } catch (error) {
      failWith(context, options, cannotWrite(path, error));
      return undefined;
    }
  return { records: bundle.records, failures };
}

function proofOf(
  { archive, index, checkpoint }: OpenLog,
  seqs: readonly number[],
  disclose: readonly PartName[],
): Proof {
  const keySeqs = keyRecords((query) => index.search(query), archive, checkpoint);
  return prove({ archive, checkpoint, seqs, keySeqs, disclose });
}

function failWith(context: Context, options: Options, { code, problem, remedy }: Failure): undefined {
  fail(context, options, { code: code, problem: problem, remedy: remedy });
  return undefined;
}
