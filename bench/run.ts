/**
 * The load bench:   npm run bench [-- --quick] [--audit] [--only calls,lists,growth,isolation,streams,ready,approvals] [--upstream nginx|node]
 *                   npm run bench -- --peer FILE [--peer FILE …]: gateways of others beside ours, from their descriptions
 *                   npm run bench -- --against COMMIT [--quick] [--only P0,P3]: CPU a call, against that commit, in turns
 *                   npm run bench -- --against COMMIT --instructions: instructions a call, which no neighbour disturbs
 * Prints tables and writes JSON into bench/results/. bench/README.md says how to read them.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Comparison, checkedOut, runAgainst } from './against.ts';
import { runApprovals } from './approvals.ts';
import { auditTable, runAudit } from './audit/index.ts';
import { kinds, runGrowth } from './growth.ts';
import { type Counted, countAgainst } from './instructions/against.ts';
import { runIsolation } from './isolation.ts';
import { runLists } from './lists.ts';
import { full, quick, type Row, runMatrix } from './matrix.ts';
import { placesNote } from './places.ts';
import { durableRecords } from './profiles.ts';
import { runReady } from './ready.ts';
import { runStreams } from './streams.ts';
import { buildGateway, startSubjects } from './subjects.ts';
import { rounded, table, times } from './table.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    upstream: { type: 'string' },
    audit: { type: 'boolean', default: false },
    against: { type: 'string' },
    instructions: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true, default: [] },
  },
});
const parts = ['calls', 'lists', 'growth', 'isolation', 'streams', 'ready', 'approvals'] as const;
type Part = (typeof parts)[number];

function say(text: string): void {
  process.stdout.write(text);
}

function printCalls(rows: readonly Row[]): void {
  const [first] = rows;
  if (first === undefined) return;
  say(`\n${first.shape}, ${first.size} KiB, ${first.connections} connections\n`);
  const head = [
    'subject',
    'calls/s',
    'p50 ms',
    'p99 ms',
    '×bare',
    'thread µs',
    '×bare',
    'process µs',
    '×bare',
    'writer µs',
    'index µs',
    'RSS MiB',
    'others %',
  ];
  say(
    table(
      head,
      rows.map(({ subject, cell, ratio }) =>
        cell.void === undefined
          ? [
              subject,
              rounded(cell.perSecond),
              rounded(cell.p50 / 1e3, 2),
              rounded(cell.p99 / 1e3, 2),
              times(ratio.p99),
              rounded(cell.threadPerCall, 1),
              times(ratio.thread),
              rounded(cell.processPerCall, 1),
              times(ratio.process),
              rounded(cell.writerPerCall, 1),
              rounded(cell.indexPerCall, 1),
              rounded(cell.resident),
              rounded(cell.others * 100),
            ]
          : [subject, 'void', ...Array.from({ length: 11 }, () => '—')],
      ),
    ),
  );
  const disturbed = rows.filter(({ cell }) => cell.others > 0.1).map(({ subject }) => subject);
  if (disturbed.length > 0)
    say(`disturbed: others took more than 10 % of the core from ${disturbed.join(', ')}: doubt calls/s and latency\n`);
  for (const { subject, cell } of rows) if (cell.void !== undefined) say(`void: ${subject}: ${cell.void}\n`);
}

async function runCalls(upstream: Upstream): Promise<object> {
  await using started = await startSubjects(upstream, values.peer);
  for (const { name, why } of started.missing) say(`not measured: ${name}: ${why}\n`);
  if (durableRecords === undefined) say('not measured: P4: the configuration has no section for durable records yet\n');
  const rows = await runMatrix(started.subjects, values.quick ? quick : full, printCalls);
  return { rows, missing: started.missing, subjects: started.subjects.map(({ name, note }) => ({ name, note })) };
}

const run: Readonly<Record<Part, (upstream: Upstream) => Promise<object>>> = {
  calls: runCalls,
  async lists(upstream) {
    const rows = await runLists(upstream, values.quick ? 1 : 3);
    say('\nfiltered lists, half of the tools hidden, 32 connections\n');
    say(
      table(
        ['tools', 'lists/s', 'p50 ms', 'p99 ms', 'thread µs'],
        rows.map(({ tools, cell }) => [
          String(tools),
          cell.void === undefined ? rounded(cell.perSecond) : 'void',
          rounded(cell.p50 / 1e3, 2),
          rounded(cell.p99 / 1e3, 2),
          rounded(cell.threadPerCall, 1),
        ]),
      ),
    );
    for (const { tools, cell } of rows) if (cell.void !== undefined) say(`void: ${tools} tools: ${cell.void}\n`);
    return rows;
  },
  async growth(upstream) {
    const pace = values.quick ? { rounds: 1, seconds: 1 } : { rounds: 3, seconds: 3 };
    const rows = [];
    for (const kind of kinds) rows.push(await runGrowth(kind, upstream, pace));
    say('\ngrowth from 10 to 10,000 that do not concern the call, CPU of the data-plane thread\n');
    say(
      table(
        ['of what', '10, µs', '10,000, µs', 'ratio', 'errors'],
        rows.map((row) => [row.kind, rounded(row.few, 1), rounded(row.many, 1), times(row.ratio), String(row.errors)]),
      ),
    );
    return rows;
  },
  async isolation(upstream) {
    const row = await runIsolation(upstream, values.quick ? { rounds: 1, seconds: 2 } : { rounds: 5, seconds: 3 });
    const { hanging, quiet, busy, errors } = row;
    say(
      `\nisolation: while ${hanging} calls hang at one server, those to another take ${rounded(busy.p50 / 1e3, 2)} ms (p99 ${rounded(busy.p99 / 1e3, 2)}), without them ${rounded(quiet.p50 / 1e3, 2)} (p99 ${rounded(quiet.p99 / 1e3, 2)}): p50 ${times(busy.p50 / quiet.p50)}, p99 ${times(busy.p99 / quiet.p99)}, ${errors} errors\n`,
    );
    return row;
  },
  async streams(upstream) {
    const row = await runStreams(upstream, values.quick ? 1_000 : 10_000);
    say(
      `\nidle streams: ${row.open} of ${row.wanted} open, memory ${rounded(row.before)} → ${rounded(row.after)} MiB\n`,
    );
    return row;
  },
  async ready(upstream) {
    const row = await runReady(upstream);
    say(
      `\nready: ${row.servers} servers of which ${row.hanging} hang: listening after ${rounded(row.listening)} ms, ready after ${rounded(row.ready)} ms\n`,
    );
    return row;
  },
  async approvals(upstream) {
    const pace = values.quick ? { rounds: 1, seconds: 2, asked: 30 } : { rounds: 15, seconds: 3, asked: 200 };
    const row = await runApprovals(upstream, pace);
    const { pending, list, decide, sync, watchers, quiet, decided, watched, byWatching, errors } = row;
    const both = ({ p50, p99 }: { readonly p50: number; readonly p99: number }): string =>
      `${rounded(p50, 1)} ms (p99 ${rounded(p99, 1)})`;
    const latency = ({ p50, p99 }: { readonly p50: number; readonly p99: number }): string =>
      both({ p50: p50 / 1e3, p99: p99 / 1e3 });
    say(
      `\napprovals: of ${pending} that wait, a list of 200 takes ${both(list)}, a decision ${both(decide)} where one write to the disk takes ${both(sync)}\n`,
    );
    say(
      `calls take ${latency(quiet)} while nothing is decided, ${latency(decided)} with ten decisions a second, and ${latency(watched)} while ${watchers} watch them: p99 ${times(byWatching.p50)} by watching (quartiles ${times(byWatching.low)} and ${times(byWatching.high)} of ${pace.rounds} rounds), ${errors} errors\n`,
    );
    return row;
  },
};

/** The evidence log alone: needs neither an upstream nor wrk. */
async function audit(): Promise<number> {
  say(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}\n\n`);
  say(auditTable(await runAudit({ quick: values.quick })));
  return 0;
}

/** Prints a line as soon as it is known: the whole takes minutes. */
async function against(commit: string, upstream: Upstream): Promise<number> {
  const head = ['profile', 'shape', 'KiB', 'conn.', 'thread µs', 'then', 'ratio', 'quartiles', 'process'];
  const line = ({ profile, shape, size, connections, thread, process: whole }: Comparison) => [
    profile,
    shape,
    size,
    String(connections),
    rounded(thread.here, 1),
    rounded(thread.there, 1),
    times(thread.ratio),
    `${rounded(thread.low, 2)} to ${rounded(thread.high, 2)}`,
    times(whole.ratio),
  ];
  const rows: Comparison[] = [];
  await runAgainst({
    commit,
    quick: values.quick,
    only: values.only?.split(','),
    upstream,
    report: (row) => {
      rows.push(row);
      process.stderr.write(`${line(row).join('  ')}\n`);
    },
    skip: (profile, why) => say(`${profile} is not compared: ${why}`),
  });
  say(`\nCPU of a call against ${commit}, medians of rounds in turns\n`);
  say(table(head, rows.map(line)));
  return 0;
}

async function count(commit: string, upstream: Upstream): Promise<number> {
  const head = ['profile', 'shape', 'KiB', 'conn.', 'thread ×1000', 'then', 'ratio', 'process ×1000', 'then', 'ratio'];
  const line = ({ profile, shape, size, connections, here, there }: Counted) => [
    profile,
    shape,
    size,
    String(connections),
    ...(['thread', 'process'] as const).flatMap((kind) => [
      rounded(here[kind] / 1e3, 1),
      rounded(there[kind] / 1e3, 1),
      `${rounded(here[kind] / there[kind], 3)}×`,
    ]),
  ];
  const rows: Counted[] = [];
  await using other = await checkedOut(commit);
  await countAgainst({
    program: other.program,
    only: values.only?.split(','),
    quick: values.quick,
    upstream,
    report: (row) => {
      rows.push(row);
      process.stderr.write(`${line(row).join('  ')}\n`);
    },
  });
  say(`\ninstructions of a call against ${commit}\n${table(head, rows.map(line))}`);
  return 0;
}

async function main(): Promise<number> {
  if (values.audit) return audit();
  const wanted = values.against === undefined ? (values.only?.split(',') ?? parts) : parts;
  const chosen = parts.filter((part) => wanted.includes(part));
  const kind = values.upstream === 'nginx' || values.upstream === 'node' ? values.upstream : undefined;
  if (chosen.length < wanted.length || (values.upstream !== undefined && kind === undefined)) {
    process.stderr.write(`usage: bench [--quick] [--only ${parts.join(',')}] [--upstream nginx|node] [--peer FILE]\n`);
    return 64;
  }
  buildGateway();
  await using upstream = await startUpstream(kind);
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}`;
  say(`${machine}; upstream: ${upstream.kind}\n${placesNote()}\n`);
  if (values.against !== undefined) return await (values.instructions ? count : against)(values.against, upstream);
  const results: Record<string, object> = {};
  let failed = false;
  for (const part of chosen) {
    try {
      results[part] = await run[part](upstream);
    } catch (error) {
      // One part that cannot run does not take the others with it.
      failed = true;
      results[part] = { failed: String(error) };
      say(`\n${part}: did not run: ${String(error).split('\n').slice(0, 3).join('\n  ')}\n`);
    }
  }
  const folder = join(import.meta.dirname, 'results');
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-')}${values.quick ? '-quick' : ''}.json`);
  await mkdir(folder, { recursive: true });
  await writeFile(
    file,
    `${JSON.stringify({ machine, upstream: upstream.kind, places: placesNote(), results }, null, 2)}\n`,
  );
  say(`\n${file.slice(file.indexOf('bench/results'))}\n`);
  return failed ? 1 : 0;
}

process.exitCode = await main();
