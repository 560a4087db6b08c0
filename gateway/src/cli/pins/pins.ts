/** `sallyport pins`: what servers define, what of it was approved, and the decisions about the rest. */
import { userInfo } from 'node:os';
import { Command } from 'commander';
import type { Revision } from '../../config/revision.ts';
import type { KnownIdentity } from '../../pins/identities.ts';
import { type Review, type Reviewed, reviewOf } from '../../pins/review.ts';
import { type Deciding, isWhole, type Stored } from '../../pins/store.ts';
import { namePattern } from '../../protocol/name-pattern.ts';
import { shownInLine } from '../../protocol/shown.ts';
import { selects, traitsText } from '../../stages/decide/traits.ts';
import { suspicions } from '../../stages/inspect/suspicions.ts';
import { isTold } from '../announce.ts';
import { type CommonOptions, type Context, configOption, fail, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type ShownTraits, shownTraits, traitsLine } from '../tool-traits.ts';
import { checkCommand, lockCommand } from './lock.ts';
import { type Opened, rowsOf, withPins } from './targets.ts';
import { dayOf, printIdentity, printReview, titleOf } from './text.ts';

export function pinsCommand(context: Context): Command {
  return new Command('pins')
    .summary('review and approve what servers define')
    .description('Definitions of servers: which were approved, which wait for it, and what changed in them.')
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(diffCommand(context))
    .addCommand(decideCommand(context, 'approve'))
    .addCommand(decideCommand(context, 'reject'))
    .addCommand(historyCommand(context))
    .addCommand(lockCommand(context))
    .addCommand(checkCommand(context));
}

const target = ['[server[/name]]', 'a server, or one definition of it (default: all)'] as const;

function listCommand(context: Context): Command {
  return new Command('list')
    .summary('list definitions with their states')
    .description(
      'Lists what servers define: approved, pending (new), changed (another one was approved), missing, or rejected.',
    )
    .argument(...target)
    .option('--waiting', 'only what waits for a decision')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport pins list files --waiting')
    .action((name: string | undefined, options: CommonOptions & { readonly waiting?: boolean }) =>
      withPins(context, options, (opened) => {
        const found = rowsOf(context, options, { opened, target: name });
        if (found === undefined) return;
        const rows = options.waiting === true ? found.filter(isWaiting) : found;
        const servers = identitiesOf(opened, found);
        if (options.json === true) return outJson(context, { ok: true, servers, definitions: rows.map(plain) });
        for (const identity of servers) printIdentity(context, identity);
        for (const row of rows) context.out(titleOf(row), row.state === 'approved' ? undefined : 'bad');
        context.out(summary(rows));
      }),
    );
}

/** The current identity of each server of these definitions. */
function identitiesOf({ store }: Opened, rows: readonly Reviewed[]): readonly KnownIdentity[] {
  const servers = new Set(rows.map(({ stored }) => stored.server));
  return [...servers].flatMap((server) => store.identities(server).slice(0, 1));
}

function summary(rows: readonly Reviewed[]): string {
  const states = ['approved', 'pending', 'changed', 'missing', 'rejected'] as const;
  const counts = states.map((state) => [rows.filter((row) => row.state === state).length, state] as const);
  return counts.flatMap(([count, state]) => (count === 0 ? [] : [`${count} ${state}`])).join(', ') || 'nothing';
}

function plain({ stored, state, approved }: Reviewed) {
  const { content: _content, state: _state, ...rest } = stored;
  return { ...rest, state, ...(approved !== undefined && { approvedDigest: approved.digest }) };
}

function isWaiting({ state }: Reviewed): boolean {
  return state === 'pending' || state === 'changed';
}

function showCommand(context: Context): Command {
  return new Command('show')
    .summary('show a whole definition')
    .description('Shows definitions as the server sent them, with findings in their texts.')
    .argument('<server/name>', 'one definition, or a server')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport pins show files/read_file')
    .action((name: string, options: CommonOptions) =>
      withPins(context, options, (opened) => {
        const rows = rowsOf(context, options, { opened, target: name });
        if (rows === undefined) return;
        const shown = rows.map((row) => ({
          ...plain(row),
          content: row.stored.content,
          findings: suspicions(row.stored.content),
          ...(row.stored.kind === 'tools' && { tool: traitsOf(opened.revision, row.stored) }),
        }));
        const servers = identitiesOf(opened, rows);
        if (options.json === true) return outJson(context, { ok: true, servers, definitions: shown });
        for (const identity of servers) printIdentity(context, identity);
        for (const [index, row] of rows.entries()) {
          context.out(titleOf(row));
          const { tool } = shown[index] ?? {};
          if (tool !== undefined) context.out(`    tier ${shownInLine(traitsLine(tool))}`);
          for (const finding of shown[index]?.findings ?? []) context.out(`    FOUND ${finding}`, 'bad');
          for (const line of JSON.stringify(row.stored.content, undefined, 2).split('\n'))
            context.out(`    ${shownInLine(line)}`);
        }
      }),
    );
}

function diffCommand(context: Context): Command {
  return new Command('diff')
    .summary('show what waits for a decision, and what changed')
    .description(
      'Shows what waits: changes are named, words that are gone stand in [-these-] and new ones in {+these+}, lines with ! let the model or callers do or read something new. Ends with 1 when anything waits.',
    )
    .argument(...target)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport pins diff files/read_file')
    .action((name: string | undefined, options: CommonOptions) =>
      withPins(context, options, (opened) => {
        const rows = rowsOf(context, options, { opened, target: name })?.filter(isWaiting);
        if (rows === undefined) return;
        const reviews = rows.map((row) => ({
          review: reviewOf(row, opened.rows, suspicions),
          connections: connectionsOf(opened, row),
          traits: changedTraits(opened.revision, row),
        }));
        if (rows.length > 0) context.exit(exitCodes.no);
        if (options.json === true)
          return outJson(context, {
            ok: rows.length === 0,
            definitions: reviews.map(({ review, connections, traits }) => {
              const { stored: _stored, approved: _approved, ...rest } = review;
              return { ...plain(review), ...rest, ...traits, connections };
            }),
          });
        for (const { review, connections, traits } of reviews) printReview(context, review, { connections, ...traits });
        if (rows.length === 0) context.out('nothing waits for a decision');
      }),
    );
}

/** What the tool is, by this definition of it. */
function traitsOf({ configuration: { servers } }: Revision, { server, name, content }: Stored): ShownTraits {
  return shownTraits(Object.hasOwn(servers, server) ? servers[server] : undefined, name, content);
}

/** Of a tool that waits, and of the approved one before it. */
function changedTraits(revision: Revision, { stored, approved }: Pick<Review, 'stored' | 'approved'>) {
  if (stored.kind !== 'tools') return {};
  return {
    tool: traitsOf(revision, stored),
    ...(approved !== undefined && { approvedTool: traitsOf(revision, approved) }),
  };
}

/** Connections that lead to the server, with those of their rules that name the definition. */
function connectionsOf({ revision }: Opened, { stored }: Reviewed): readonly string[] {
  const { server, kind, name } = stored;
  if (kind === 'templates' || kind === 'instructions') return [];
  return revision.configuration.connections.flatMap((connection) => {
    if (!connection.to.includes(server)) return [];
    const patterns = connection[kind].flatMap(({ allow = [], hold = [], observe = [] }) => [
      ...allow,
      ...hold,
      ...observe,
    ]);
    const traits = kind === 'tools' ? traitsOf(revision, stored) : {};
    const naming = patterns.flatMap((subject) => {
      if (typeof subject === 'string') return namePattern(subject)(name) ? [subject] : [];
      return selects(subject, traits, 'opening') ? [traitsText(subject)] : [];
    });
    return naming.length === 0 ? [] : [`${connection.name}: ${naming.join(', ')}`];
  });
}

interface DecideOptions extends CommonOptions {
  readonly all?: boolean;
  readonly digest?: string;
  readonly reason?: string;
  readonly by?: string;
}

function decideCommand(context: Context, verb: 'approve' | 'reject'): Command {
  const what = verb === 'approve' ? 'approve definitions' : 'reject definitions, which stay hidden';
  return new Command(verb)
    .summary(what)
    .description(
      `${verb === 'approve' ? 'Approves' : 'Rejects'} what waits for review. Where several definitions of one name wait, --digest says which one is meant. A running gateway follows within a second and logs the decision.`,
    )
    .argument('<server[/name]...>', 'definitions; a server with --all')
    .option('--all', 'everything that waits of a server, or of a name')
    .option('--digest <digest>', 'exactly this one, by the first 8 or more digits of its digest')
    .option('--reason <text>', 'why, for the log')
    .option('--by <name>', 'who decides (default: the user of this machine)')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `\nExample:\n  sallyport pins ${verb} files/read_file --reason "reviewed in #123"\n  sallyport pins ${verb} files --all`,
    )
    .action((names: string[], options: DecideOptions) =>
      withPins(context, options, (opened) => {
        const chosen: Reviewed[] = [];
        for (const name of names) {
          const rows = rowsOf(context, options, { opened, target: name });
          if (rows === undefined) return;
          if (!name.includes('/') && options.all !== true)
            return fail(context, options, {
              code: exitCodes.usage,
              problem: `${name} is a server`,
              remedy: `Name a definition, such as ${name}/${rows[0]?.stored.name ?? 'tool'}, or say --all.`,
            });
          const these = chosenOf(rows, name, verb, options);
          if ('problem' in these) return fail(context, options, { code: exitCodes.no, ...these });
          chosen.push(...these);
        }
        if (chosen.length === 0)
          return fail(context, options, {
            code: exitCodes.no,
            problem: `there is nothing to ${verb}`,
            remedy: 'See `sallyport pins list`; a rejected one is approved by --digest.',
          });
        const cut = verb === 'approve' ? chosen.find(({ stored }) => !isWhole(stored)) : undefined;
        if (cut !== undefined)
          return fail(context, options, {
            code: exitCodes.no,
            problem: `${cut.stored.server}/${cut.stored.name} is too large to be shown whole, so that it cannot be approved`,
            remedy: 'Reject it, and ask its author for a smaller definition.',
          });
        const { data } = opened.revision.configuration;
        const by = options.by ?? userInfo().username;
        opened.store.decide(
          chosen.map(({ stored: { server, kind, name, digest } }): Deciding => ({ server, kind, name, digest })),
          verb === 'approve' ? 'approved' : 'rejected',
          { at: Date.now(), by, ...(options.reason !== undefined && { reason: options.reason }) },
        );
        if (!isTold(context, { ...options, data, topic: 'pins' })) return;
        if (options.json === true) return outJson(context, { ok: true, definitions: chosen.map(plain) });
        for (const { stored } of chosen)
          context.out(
            `${stored.server}/${shownInLine(stored.name)} ${stored.digest.slice(0, 12)} is ${verb === 'approve' ? 'approved' : 'rejected'}`,
          );
      }),
    );
}

interface Problem {
  readonly problem: string;
  readonly remedy: string;
}

/** Digits of a digest that say which one is meant. */
const digestStart = /^[0-9a-f]{8,64}$/;

/**
 * What is decided about. A server can show another definition after one was looked at: of a name nothing is decided that was
 * not said. Where nothing waits, `reject` takes an approval back.
 */
function chosenOf(
  rows: readonly Reviewed[],
  name: string,
  verb: 'approve' | 'reject',
  { digest, all = false }: DecideOptions,
): readonly Reviewed[] | Problem {
  if (digest !== undefined) return ofDigest(rows, name, digest);
  const waiting = rows.filter(isWaiting);
  if (all || !name.includes('/')) return waiting;
  // A tool and a prompt can have the same name.
  const kinds = new Set(waiting.map(({ stored }) => stored.kind));
  if (waiting.length > kinds.size) return several(waiting, name, verb);
  if (waiting.length > 0) return waiting;
  // A rejection is taken back for one definition, which is named: there may be many of the name.
  return verb === 'approve' ? [] : rows.filter(({ stored }) => stored.state === 'approved');
}

function ofDigest(rows: readonly Reviewed[], name: string, digest: string): readonly Reviewed[] | Problem {
  const remedy = `Copy it from \`sallyport pins diff ${name}\`.`;
  if (!digestStart.test(digest)) return { problem: `"${digest}" is no beginning of a digest`, remedy };
  const found = rows.filter(({ stored }) => stored.digest.startsWith(digest));
  const isOne = new Set(found.map(({ stored }) => stored.digest)).size < 2;
  return isOne ? found : { problem: `several definitions have a digest that begins with ${digest}`, remedy };
}

/** Lines of those that a problem names. */
const maxNamed = 10;

function several(waiting: readonly Reviewed[], name: string, verb: string): Problem {
  const latest = waiting.toSorted((a, b) => b.stored.seenAt - a.stored.seenAt);
  const named = latest
    .slice(0, maxNamed)
    .map(({ stored }) => `${stored.digest.slice(0, 12)} (${stored.kind}, first seen ${dayOf(stored.seenAt)})`);
  const more = waiting.length > named.length ? ` and ${waiting.length - named.length} more` : '';
  return {
    problem: `${waiting.length} definitions of ${name} wait: ${named.join(', ')}${more}`,
    remedy: `Look at them with \`sallyport pins diff ${name}\`, and ${verb} the one that you looked at with --digest, or all of them with --all.`,
  };
}

function historyCommand(context: Context): Command {
  return new Command('history')
    .summary('show who decided what, and when')
    .description(
      'Shows decisions about definitions, oldest first. The log has them as well, where they cannot be changed.',
    )
    .argument(...target)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport pins history files')
    .action((name: string | undefined, options: CommonOptions) =>
      withPins(context, options, (opened) => {
        const rows = rowsOf(context, options, { opened, target: name })
          ?.filter(({ stored }) => stored.decision !== undefined)
          .toSorted((a, b) => (a.stored.decision?.at ?? 0) - (b.stored.decision?.at ?? 0));
        if (rows === undefined) return;
        if (options.json === true) return outJson(context, { ok: true, decisions: rows.map(plain) });
        for (const { stored } of rows) {
          const { at = 0, by = '', reason } = stored.decision ?? {};
          const why = reason === undefined ? '' : `: ${reason}`;
          context.out(
            `${dayOf(at)}  ${stored.server}/${shownInLine(stored.name)}  ${stored.digest.slice(0, 12)}  ${stored.state} by ${shownInLine(by + why)}`,
          );
        }
      }),
    );
}
