/** `sallyport audit export`: records for other systems, for a case, or for the person they are about. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { exportFormats } from '../../audit/export/index.ts';
import { keyRecords, prove } from '../../audit/read/prove.ts';
import { type Context, fail, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type OpenLog, withLog } from './open.ts';
import { find, type Hit, lacksKey, readSearch, type SearchOptions, searchOptions } from './search.ts';
import { sayMissingKeys } from './shown.ts';

interface Options extends SearchOptions {
  readonly format: string;
  readonly out?: string;
}

const names = [...exportFormats.map(({ name }) => name), 'proof'];
/** Records of one proof: each has a path to the root. */
const mostProved = 10_000;

export function exportCommand(context: Context): Command {
  return searchOptions(new Command('export'))
    .summary('write records for other systems')
    .description(
      `Writes what a search finds, the newest first, all of it. Formats: ${exportFormats
        .map(({ name, summary }) => `${name} (${summary})`)
        .join(', ')}, proof (a bundle that sallyport-verify checks). --subject user:… answers an access request.`,
    )
    .option('--format <format>', names.join(', '), 'ndjson')
    .option('--out <file>', 'write there instead of printing')
    .addHelpText('after', '\nExample:\n  sallyport audit export --since 24h --format ocsf --out events.ndjson')
    .action(async (options: Options) => {
      if (!names.includes(options.format))
        return fail(
          context,
          options,
          exitCodes.usage,
          `there is no format ${options.format}`,
          `There are: ${names.join(', ')}.`,
        );
      await withLog(context, options, (log) => {
        const search = readSearch(options, Date.now(), log.archive);
        if (typeof search === 'string') return fail(context, options, exitCodes.usage, search, 'Try --help.');
        const path = options.out === undefined ? undefined : resolve(context.cwd, options.out);
        const count =
          options.format === 'proof'
            ? writeProof(context, log, pages(log, search, options.text), path)
            : writeLines(context, log, options.format, pages(log, search, options.text), path);
        if (path === undefined) return;
        if (options.json === true) outJson(context, { ok: true, path, records: count });
        else context.out(`${path}: ${count} records`);
      });
    });
}

/** Everything that a search finds, page by page, so that memory does not grow with it. */
function* pages(log: OpenLog, search: Parameters<typeof find>[1], text: string | undefined): Generator<Hit> {
  let before = search.before;
  for (;;) {
    const { hits, next } = find(log, { ...search, limit: 500, ...(before === undefined ? {} : { before }) }, text);
    yield* hits;
    if (next === undefined) return;
    before = next;
  }
}

function writeLines(
  context: Context,
  log: OpenLog,
  name: string,
  hits: Iterable<Hit>,
  path: string | undefined,
): number {
  const format = exportFormats.find((each) => each.name === name);
  if (format === undefined) return 0;
  const file = path === undefined ? undefined : openSync(path, 'w', 0o600);
  let count = 0;
  let missing = 0;
  for (const { record, outcome } of hits) {
    if (lacksKey({ record, ...(outcome && { outcome }) })) missing++;
    const line = format.line({ origin: log.archive.origin, record, ...(outcome && { outcome }) });
    if (file === undefined) context.out(line);
    else writeSync(file, `${line}\n`);
    count++;
  }
  if (file !== undefined) closeSync(file);
  sayMissingKeys(context, missing, 'record');
  return count;
}

function writeProof(context: Context, log: OpenLog, hits: Iterable<Hit>, path: string | undefined): number {
  const seqs: number[] = [];
  for (const { record, outcome } of hits) {
    seqs.push(record.seq, ...(outcome === undefined ? [] : [outcome.seq]));
    if (seqs.length >= mostProved) break;
  }
  const keySeqs = keyRecords((query) => log.index.search(query), log.archive, log.checkpoint);
  const { archive, checkpoint } = log;
  const proof = prove({
    archive,
    checkpoint,
    seqs,
    keySeqs,
    disclose: ['about', 'arguments', 'result'],
  });
  const text = JSON.stringify(proof, undefined, 2);
  if (path === undefined) context.out(text);
  else writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return seqs.length;
}
