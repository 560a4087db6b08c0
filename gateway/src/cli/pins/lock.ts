/** `sallyport pins lock|check`: the lock file, and how far servers are from it. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { type LockEntry, lockFileName, lockOf, lockText, readLock } from '../../config/lock-file.ts';
import type { Revision } from '../../config/revision.ts';
import type { Tier } from '../../config/schema/servers.ts';
import type { Reviewed } from '../../pins/review.ts';
import type { Stored } from '../../pins/store.ts';
import { shownInLine } from '../../protocol/shown.ts';
import { writeWhole } from '../../stores/whole-file.ts';
import { type CommonOptions, type Context, configOption, fail, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { shownTraits } from '../tool-traits.ts';
import { type Opened, withPins } from './targets.ts';
import { dayOf } from './text.ts';

function lockPathOf({ revision }: Opened): string {
  return join(dirname(revision.files[0] ?? '.'), lockFileName);
}

export function lockCommand(context: Context): Command {
  return new Command('lock')
    .summary('write the approved definitions to the lock file')
    .description(
      `Writes ${lockFileName} beside the configuration: every approved definition, for review in version control.`,
    )
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport pins lock && git diff sallyport.lock.yaml')
    .action((options: CommonOptions) =>
      withPins(context, options, (opened) => {
        const path = lockPathOf(opened);
        const entries = lockEntriesOf(opened);
        writeWhole(path, lockText(entries), { durability: 'durable' });
        if (options.json === true) return outJson(context, { ok: true, path, definitions: entries.length });
        context.out(`${path}: ${entries.length} definitions`);
      }),
    );
}

const tiers: readonly (Tier | undefined)[] = ['destructive', 'write', 'read'];

/** Of several definitions of one name the most dangerous one counts. */
function highest(all: readonly (Tier | undefined)[]): Tier | undefined {
  return tiers.find((each) => all.includes(each));
}

/** What a tool is, by this definition of it and the configuration. */
function tierOf({ configuration: { servers } }: Revision, { server, kind, name, content }: Stored): Tier | undefined {
  if (kind !== 'tools') return undefined;
  return shownTraits(Object.hasOwn(servers, server) ? servers[server] : undefined, name, content).tier;
}

function lockEntriesOf({ rows, revision }: Opened): readonly LockEntry[] {
  const byName = new Map<string, LockEntry>();
  for (const { stored, state } of rows) {
    const { server, kind, name, digest, decision } = stored;
    if (state !== 'approved' || !Object.hasOwn(revision.configuration.servers, server)) continue;
    const key = JSON.stringify([server, kind, name]);
    const before = byName.get(key);
    const tier = highest([before?.tier, tierOf(revision, stored)]);
    byName.set(key, {
      server,
      kind,
      name,
      digests: [...(before?.digests ?? []), digest],
      ...(tier !== undefined && { tier }),
      ...(decision !== undefined && { approvedBy: decision.by, date: dayOf(decision.at).slice(0, 10) }),
      ...(decision?.reason !== undefined && { reason: decision.reason }),
    });
  }
  return [...byName.values()];
}

export function checkCommand(context: Context): Command {
  return new Command('check')
    .summary('compare what servers define with the lock file')
    .description(
      `Compares what was seen of the servers with ${lockFileName}, and ends with 1 where they differ. Run \`sallyport server discover\` before it to see what they define now.`,
    )
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport server discover && sallyport pins check')
    .action((options: CommonOptions) =>
      withPins(context, options, (opened) => {
        const path = lockPathOf(opened);
        const read = existsSync(path) ? readLock(path) : undefined;
        if (read?.ok !== true) {
          const problem = read === undefined ? `there is no ${path}` : read.problem;
          return fail(context, options, {
            code: exitCodes.no,
            problem,
            remedy: 'Write it with `sallyport pins lock`.',
          });
        }
        const differences = differencesOf(opened, read.entries);
        if (differences.length > 0) context.exit(exitCodes.no);
        if (options.json === true) return outJson(context, { ok: differences.length === 0, differences });
        for (const difference of differences) context.out(shownInLine(difference), 'bad');
        context.out(
          differences.length === 0
            ? 'the lock file holds what the servers define'
            : `${differences.length} differences`,
        );
      }),
    );
}

function differencesOf({ rows, store, revision }: Opened, entries: readonly LockEntry[]): readonly string[] {
  const lock = lockOf(entries);
  const latest = new Map<string, Reviewed>();
  for (const row of rows) {
    const { server, kind, name, digest } = row.stored;
    if (store.current(server, kind)?.get(name) === digest) latest.set(JSON.stringify([server, kind, name]), row);
  }
  const locked = new Map(entries.map((entry) => [JSON.stringify([entry.server, entry.kind, entry.name]), entry]));
  const seen = [...latest].flatMap(([key, { stored }]) => {
    const { server, kind, name, digest } = stored;
    const entry = locked.get(key);
    const tier = tierOf(revision, stored);
    const isOther = entry?.tier !== undefined && tier !== undefined && tier !== entry.tier;
    const tiersText = isOther ? [`${server}/${name}: tier changed: ${entry.tier} → ${tier}`] : [];
    if (lock.has(server, kind, name, digest)) return tiersText;
    const what = entry === undefined ? 'new' : 'changed';
    return [
      `${server}/${name}: ${what}: the lock file does not have ${kind} ${digest.slice(0, 12)}${entry === undefined && tier !== undefined ? `, tier ${tier}` : ''}`,
      ...tiersText,
    ];
  });
  const gone = entries.flatMap(({ server, kind, name }) =>
    latest.has(JSON.stringify([server, kind, name])) || store.current(server, kind) === undefined
      ? []
      : [`${server}/${name}: missing: the server does not list it any more`],
  );
  return [...seen, ...gone];
}
