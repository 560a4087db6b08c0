/** `sallyport audit search`, and how its conditions are read. */
import { relative, resolve } from 'node:path';
import { Command } from 'commander';
import type { Found, Search } from '../../stages/record/search-index/index-file.ts';

export type { Search } from '../../stages/record/search-index/index-file.ts';

import type { ArchivedRecord } from '../../stages/record/read/archive.ts';
import { type Context, configOption, fail, jsonOption, outJson } from '../context.ts';
import { parseDuration } from '../duration.ts';
import { exitCodes } from '../exit-codes.ts';
import { isDenied } from './denied.ts';
import { misspelt } from './filters.ts';
import { type LogOptions, type LogsOptions, logOption, type OpenLog, withLog } from './open.ts';
import { sayShared } from './shared-key.ts';
import { recordJson, rows, sayMissingKeys } from './shown.ts';

export interface SearchOptions extends LogsOptions {
  readonly caller?: string;
  readonly subject?: string;
  readonly server?: string;
  readonly capability?: string;
  readonly method?: string;
  readonly decision?: string;
  readonly rule?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly kind?: string;
  readonly id?: string;
  readonly since?: string;
  readonly until?: string;
  readonly text?: string;
  readonly denied?: boolean;
  readonly before?: string;
  /** Without it everything is meant. */
  readonly limit?: string;
}

export interface Hit {
  readonly record: ArchivedRecord;
  readonly outcome?: ArchivedRecord;
}

/** Records that a search holds in memory; an export does not. */
const maxShown = 99_999;
/** Records that a search for text opens before it says how to go on. */
const maxScanned = 100_000;

export function searchOptions(command: Command): Command {
  return command
    .option('--caller <kind:name>', 'user:…, agent:… or application:…')
    .option('--subject <subject>', 'user:…, agent:… or application:…, or its pseudonym')
    .option('--server <name>', 'server')
    .option('--capability <name>', 'tool, prompt or template by its original name')
    .option('--method <name>', 'method, such as tools/call')
    .option('--decision <effect>', 'allow, deny, hold or observe')
    .option('--rule <file:line:column>', 'place of the rule that decided')
    .option('--outcome <outcome>', 'answered, tool-error, error, refused, cancelled or unknown')
    .option('--reason <reason>', 'reason of a refusal')
    .option('--kind <kind>', 'kind of record, such as intent, exchange or authentication-failed')
    .option('--id <correlation id>', 'the id that errors and logs show')
    .option('--denied', 'calls that were not let through, for any reason')
    .option('--since <time>', 'today, yesterday, a duration such as 2h before now, or an ISO time')
    .option('--until <time>', 'the same')
    .option('--text <text>', 'text in the captured arguments or results, not case-sensitive')
    .option('--before <seq>', 'only records older than this number: the next page')
    .option(...configOption)
    .option(...jsonOption);
}

export function searchCommand(context: Context): Command {
  return searchOptions(new Command('search'))
    .summary('find records')
    .description('Finds records, the newest first. A record is shown when every condition matches it.')
    .option('--limit <number>', 'maximum number of records', '50')
    .option(...logOption)
    .addHelpText(
      'after',
      '\nColumns: number, time, kind, caller, method, server/name, decision, outcome, reason, correlation id.\n\nExamples:\n  sallyport audit search --denied --since yesterday\n  sallyport audit search --caller agent:demo --outcome refused --since 2h',
    )
    .action(async (options: SearchOptions & LogOptions) => {
      const search = readSearch(options, Date.now(), maxShown);
      if (typeof search === 'string')
        return fail(context, options, { code: exitCodes.usage, problem: search, remedy: 'Try --help.' });
      await withLog(context, options, (log) => {
        const { hits, next } = find(log, inLog(search, options, { ...log, cwd: context.cwd }), options);
        if (options.json === true)
          outJson(context, {
            ok: true,
            records: hits.map(({ record, outcome }) => ({
              ...recordJson(record),
              ...(outcome && { outcomeRecord: recordJson(outcome) }),
            })),
            next,
            lookedBefore: log.checkpoint.size,
          });
        else {
          for (const { text, tone } of rows(hits, context)) context.out(text, tone);
          if (hits.length === 0) context.out(`No record matches among the ${log.checkpoint.size} that there are.`);
          if (next !== undefined) context.out(`There may be more: --before ${next}`);
        }
        sayShared(context, log, options.subject);
        sayMissingKeys(context, hits.filter(lacksKey).length, 'record');
      });
    });
}

/** A sentence when an option cannot be read. What stands for the subject is another in each log: `inLog`. */
export function readSearch(options: SearchOptions, now: number, most: number): Search | string {
  const { caller, before, limit, since, until, id } = options;
  const wrong = misspelt(options);
  if (wrong !== undefined) return wrong;
  const [kind = '', ...rest] = caller?.split(':') ?? [];
  const name = rest.join(':');
  if (caller !== undefined && (!['user', 'agent', 'application'].includes(kind) || name === ''))
    return '--caller must be user:…, agent:… or application:…';
  const times = [since, until].map((text) => (text === undefined ? undefined : readTime(text, now)));
  if (times.some((time) => Number.isNaN(time)))
    return '--since and --until take today, yesterday, a duration such as 2h, or an ISO time';
  if (limit !== undefined && (!/^[1-9]\d{0,8}$/.test(limit) || Number(limit) > most))
    return `--limit must be a number from 1 to ${most}`;
  if (before !== undefined && !/^\d{1,15}$/.test(before)) return '--before must be the number of a record';
  const { server, capability, method, decision: effect, rule, outcome, reason } = options;
  const words = { server, capability, method, effect, rule, outcome, reason, kind: options.kind };
  const given = Object.entries({ ...words, ...(caller === undefined ? {} : { [kind]: name }) }).filter(
    ([, text]) => text !== undefined,
  );
  return {
    words: Object.fromEntries(given),
    limit: limit === undefined ? Number.MAX_SAFE_INTEGER : Number(limit),
    ...(id === undefined ? {} : { id }),
    ...(times[0] === undefined ? {} : { since: times[0] }),
    ...(times[1] === undefined ? {} : { until: times[1] }),
    ...(before === undefined ? {} : { before: Number(before) }),
  };
}

/** With what this log has for the subject and the rule. A name that nothing is held about finds nothing. */
export function inLog(
  search: Search,
  { subject, rule }: SearchOptions,
  { archive, index, cwd }: OpenLog & { readonly cwd: string },
): Search {
  const words = { ...search.words };
  if (subject !== undefined)
    words.subject = subject.includes(':') ? (archive.subjects.pseudonymsOf(subject).at(-1) ?? '-') : subject;
  const place = rule === undefined ? undefined : placesOf(rule, cwd).find((each) => index.knows('rule', each));
  if (place !== undefined) words.rule = place;
  return { ...search, words };
}

/** The record names the file as the gateway was told it, and `explain` as it was told it here. */
function placesOf(rule: string, cwd: string): readonly string[] {
  const [, file = rule, end = ''] = /^(.*?)((?::\d+){2})$/s.exec(rule) ?? [];
  return [rule, resolve(cwd, file) + end, relative(cwd, resolve(cwd, file)) + end];
}

export function lacksKey({ record, outcome }: Hit): boolean {
  return record.privacy === 'key-missing' || outcome?.privacy === 'key-missing';
}

function readTime(text: string, now: number): number {
  // Days begin at midnight in the local time zone of this process.
  const days = { today: 0, yesterday: 1 }[text.toLowerCase()];
  if (days !== undefined) {
    const day = new Date(now);
    return new Date(day.getFullYear(), day.getMonth(), day.getDate() - days).getTime();
  }
  const ago = parseDuration(text);
  return ago === undefined ? Date.parse(text) : now - ago;
}

export interface Filter {
  /** Text in arguments or results. */
  readonly text?: string;
  readonly denied?: boolean;
}

export function find(log: OpenLog, search: Search, { text, denied }: Filter): { hits: Hit[]; next?: number } {
  const hits: Hit[] = [];
  let before = search.before;
  let scanned = 0;
  const isFiltered = text !== undefined || denied === true;
  const page = isFiltered ? Math.max(search.limit, 500) : search.limit;
  for (;;) {
    const found = log.index.search({ ...search, limit: page, ...(before === undefined ? {} : { before }) });
    for (const each of found) {
      scanned++;
      before = each.seq;
      const hit = load(log, each);
      if (hit === undefined || (text !== undefined && !holds(hit, formsOf(text)))) continue;
      if (denied === true && !isDenied(hit)) continue;
      hits.push(hit);
      if (hits.length === search.limit) return { hits, next: each.seq };
    }
    if (found.length < page) return { hits };
    if (scanned >= maxScanned) return before === undefined ? { hits } : { hits, next: before };
  }
}

function load({ archive, checkpoint }: OpenLog, { seq, outcomeSeq }: Found): Hit | undefined {
  const record = archive.record(seq, checkpoint.size);
  const outcome = outcomeSeq === undefined ? undefined : archive.record(outcomeSeq, checkpoint.size);
  return record === undefined ? undefined : { record, ...(outcome && { outcome }) };
}

/** What is captured is JSON: a quotation mark or a line break within a text stands there escaped. */
function formsOf(text: string): readonly string[] {
  const lower = text.toLowerCase();
  return [lower, JSON.stringify(lower).slice(1, -1)];
}

function holds({ record, outcome }: Hit, forms: readonly string[]): boolean {
  return [record.parts?.arguments, record.parts?.result, outcome?.parts?.result].some((each) => {
    const captured = each?.toLowerCase();
    return captured !== undefined && forms.some((form) => captured.includes(form));
  });
}
