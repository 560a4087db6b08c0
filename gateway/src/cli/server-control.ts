/** `sallyport server enable|disable|drain|quarantine`: what the running gateway does with a server, whatever the file says. */
import { userInfo } from 'node:os';
import { Command } from 'commander';
import { suggestion } from '../config/suggest.ts';
import { shownInLine } from '../protocol/shown.ts';
import {
  type ControlDecision,
  type ControlState,
  maxReason,
  openControlStore,
  type ServerControl,
} from '../upstreams/controls/store.ts';
import { isTold } from './announce.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  outJson,
  withConfiguration,
} from './context.ts';
import { parseDuration } from './duration.ts';
import { exitCodes } from './exit-codes.ts';

interface ControlOptions extends CommonOptions {
  readonly reason: string;
  readonly message?: string;
  readonly for?: string;
}

interface Described {
  readonly state: ControlDecision['state'];
  readonly summary: string;
  readonly description: string;
}

const commands: Readonly<Record<'enable' | 'disable' | 'drain' | 'quarantine', Described>> = {
  enable: {
    state: 'active',
    summary: 'return a server to service after disable, drain or quarantine',
    description: 'The server is again what the configuration says. What is inactive there stays so.',
  },
  disable: {
    state: 'disabled',
    summary: 'take a server out of service now',
    description:
      'Calls under way at the server are aborted, new ones are refused with a reason, and its lists are empty. Configuration and history stay.',
  },
  drain: {
    state: 'draining',
    summary: 'refuse new calls, and let calls under way finish',
    description: 'Calls under way at the server go on to their end; new ones are refused with a reason. Lists stay.',
  },
  quarantine: {
    state: 'quarantined',
    summary: 'hide a server as if it did not exist',
    description: 'Calls under way at the server are aborted, and for clients it does not exist until it is enabled.',
  },
};

export function controlCommands(context: Context): readonly Command[] {
  return (Object.keys(commands) as (keyof typeof commands)[]).map((name) => controlCommand(context, name));
}

function controlCommand(context: Context, name: keyof typeof commands): Command {
  const { state, summary, description } = commands[name];
  const command = new Command(name)
    .summary(summary)
    .description(`${description} A running gateway follows within a second; the state survives a restart.`)
    .argument('<name>', 'the server')
    .requiredOption('--reason <text>', 'why, for the record');
  if (state !== 'active')
    command
      .option('--for <time>', 'ends by itself after this, such as 30m or 2h')
      .option('--message <text>', 'text for clients, such as when it will be back');
  return command
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', `\nExample:\n  sallyport server ${name} projects --reason "new release"`)
    .action((server: string, options: ControlOptions) =>
      withConfiguration(context, options, ({ data, servers }) => {
        const known = Object.keys(servers);
        if (!known.includes(server))
          return fail(context, options, {
            code: exitCodes.no,
            problem: `there is no server "${server}"`,
            remedy: suggestion(server, known, 'server'),
          });
        const problem = wrongOption(options);
        if (problem !== undefined) return fail(context, options, { code: exitCodes.usage, problem });
        decide(context, options, { data, server, state, status: servers[server]?.status ?? 'active' });
      }),
    );
}

function wrongOption({ reason, message, for: time }: ControlOptions): string | undefined {
  if (time !== undefined && parseDuration(time) === undefined)
    return '--for must be a time such as 90s, 15m, 12h or 30d';
  if (reason.trim() === '') return '--reason must say why';
  const long = [reason, message ?? ''].some(({ length }) => length > maxReason);
  return long ? `reason and message may have ${maxReason} characters` : undefined;
}

interface Deciding {
  readonly data: string;
  readonly server: string;
  readonly state: ControlDecision['state'];
  /** What the file says. */
  readonly status: string;
}

function decide(context: Context, options: ControlOptions, { data, server, state, status }: Deciding): void {
  const { reason, message, for: time } = options;
  const at = Date.now();
  const lasting = time === undefined ? undefined : parseDuration(time);
  const until = lasting === undefined ? undefined : at + lasting;
  const by = `os:${userInfo().username}`;
  const store = openControlStore(data);
  let before: ControlDecision['state'];
  try {
    const more = { ...(message !== undefined && { message }), ...(until !== undefined && { until }) };
    before = store.decide({ server, state, reason, by, at, ...more });
  } finally {
    store.close();
  }
  if (!isTold(context, { ...options, data, topic: 'servers' })) return;
  if (options.json === true)
    return outJson(context, { ok: true, server, state, before, by, reason, until, file: status });
  if (state !== 'active')
    return context.out(shownInLine(`${server} is ${state}${until === undefined ? '' : ` until ${dateText(until)}`}`));
  context.out(before === 'active' ? `nothing was switched off at ${server}` : `${server} is enabled`);
  if (status !== 'active') context.out(`the configuration says ${status}, which holds until it says something else`);
}

const words: Readonly<Record<ControlState, string>> = {
  draining: 'DRAINING',
  disabled: 'DISABLED',
  quarantined: 'QUARANTINED',
};

/** For `server list`, beside what the file says. */
export function controlText({ state, by, at, reason, until }: ServerControl): string {
  const end = until === undefined ? '' : ` until ${dateText(until)}`;
  return `${words[state]} by ${by} since ${dateText(at)}${end}: ${reason}`;
}

function dateText(ms: number): string {
  return new Date(ms).toISOString();
}
