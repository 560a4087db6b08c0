/** Builds the object graph by hand, starts it, swaps it on reload, stops it. The only file that knows everybody. */
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { listenAdmin } from './admin/listener.ts';
import { keyEnded, keyMade, keysMeanwhile, statusChanges } from './audit/changes.ts';
import { auditSettings, openAudit } from './audit/open.ts';
import { openKeyDesk, openKeyRing } from './authn/api-key/open.ts';
import { callerFrom } from './authn/caller.ts';
import { exitCodes } from './cli/exit-codes.ts';
import { asTyped } from './cli/invocation.ts';
import { readBeside } from './config/beside.ts';
import { formatDiagnostic } from './config/diagnostic.ts';
import { type LoadOptions, loadConfiguration } from './config/load.ts';
import type { LoadResult, Revision } from './config/revision.ts';
import type { Configuration } from './config/schema/index.ts';
import { watchConfiguration } from './config/watch.ts';
import { Gateway } from './gateway.ts';
import { listenHttp } from './listeners/http/server.ts';
import { listenStdio, type StdioEnd } from './listeners/stdio/server.ts';
import type { Caller } from './pipeline/caller.ts';
import type { Endpoint } from './pipeline/exchange.ts';
import type { Outcome } from './pipeline/refusal.ts';
import { leaveLastWords, takeLastWords } from './process/last-words.ts';
import { type Signals, takeSignals } from './process/signals.ts';
import { startWatchdog } from './process/watchdog.ts';
import { shown } from './protocol/shown.ts';
import { quickstartText } from './quickstart.ts';
import { ownFolders } from './secrets/data-folder.ts';
import { writeInUse } from './secrets/in-use.ts';
import { openLogMasterKey, openMasterKey } from './secrets/master-key.ts';
import { openSecretSource } from './secrets/source.ts';
import { openEndedIds } from './stores/ended-ids.ts';
import { keptProblems } from './stores/kept-files.ts';
import { removeLeftDrafts } from './stores/left-drafts.ts';
import { createLog, type Log, type LogLevel } from './telemetry/log.ts';

export interface ServeOptions {
  readonly config: string;
  /** Also print a key, and how to use it. */
  readonly quickstart?: boolean;
  readonly json?: boolean;
  /** Instead of what the configuration says. */
  readonly port?: number;
  readonly adminPort?: number;
  readonly logLevel?: LogLevel;
}

export interface StdioOptions {
  readonly config: string;
  /** An API key; without one the anonymous caller of the configuration. */
  readonly key?: string;
  /** The one server to offer; all of the caller's servers without it. */
  readonly server?: string;
  readonly logLevel?: LogLevel;
}

/** Runs the gateway until it is told to stop. Resolves to an exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const signals = takeSignals(() => process.exit(exitCodes.no));
  const path = resolve(options.config);
  const opened = await open(path, 'serve', options.logLevel ?? 'info');
  if (!opened.ok) return opened.code;
  const { gateway, log } = opened;
  const { listen: written, bounds, data } = gateway.revision.configuration;
  const listen = {
    mcp: { ...written.mcp, port: options.port ?? written.mcp.port },
    admin: { ...written.admin, port: options.adminPort ?? written.admin.port },
  };
  const ended = openEndedIds(join(data, 'ended-sessions'), (error) =>
    log.warn({ err: error }, 'ended sessions cannot be noted: they open again after a restart'),
  );
  const mcp = await attempt(listenHttp(listen.mcp, gateway.front, ended, log));
  const admin =
    typeof mcp === 'number'
      ? mcp
      : await attempt(
          listenAdmin(listen.admin, {
            problems: () => opened.problems(),
            metrics: async () => ({ type: gateway.metrics.contentType, text: await gateway.metrics.text() }),
          }),
        );
  if (typeof mcp === 'number' || typeof admin === 'number') {
    if (typeof mcp !== 'number') await mcp.close(0);
    await opened.close();
    return typeof admin === 'number' ? admin : exitCodes.listen;
  }
  gateway.reachedAt(mcp.base);
  const stopWatching = await follow(path, opened, signals);
  const base =
    listen.mcp.publicUrl ??
    `${listen.mcp.tls === undefined ? 'http' : 'https'}://${urlHost(listen.mcp.host)}:${mcp.port}`;
  const adminUrl = `http://${urlHost(listen.admin.host)}:${admin.port}`;
  if (options.json === true) print(JSON.stringify({ event: 'listening', mcp: base, admin: adminUrl }));
  else if (options.quickstart === true) {
    const desk = openKeyDesk(data);
    if (desk.ok) print(quickstartText(base, adminUrl, desk.value));
    if (desk.ok) desk.value.store.close();
  } else print(`Sallyport listens on ${base}/mcp, health and metrics on ${adminUrl}`);

  const signal = await signals.stopped;
  log.info({ signal }, 'stopping');
  gateway.drain();
  stopWatching();
  // Streams have ended; calls under way get their time, then everything is closed.
  await mcp.close(bounds.drain);
  await admin.close();
  await opened.close();
  return exitCodes.ok;
}

/** A listener that cannot listen is complained about, and is the code to end with. */
async function attempt<Listener extends object>(listening: Promise<Listener>): Promise<Listener | number> {
  try {
    return await listening;
  } catch (error) {
    const { message, syscall } = error as NodeJS.ErrnoException;
    // What the system refuses has to do with the address; everything else with the files of TLS.
    const isAddress = syscall !== undefined;
    const remedy = isAddress
      ? 'Choose another with --port or --admin-port, or under listen, or stop what uses it.'
      : 'See listen.mcp.tls.';
    complain(`sallyport cannot listen: ${message}\n    ${remedy}`);
    return isAddress ? exitCodes.listen : exitCodes.configuration;
  }
}

/** Runs the gateway as a stdio server for one client. Resolves to an exit code. */
export async function stdio(options: StdioOptions): Promise<number> {
  const signals = takeSignals(() => process.exit(exitCodes.no));
  const opened = await open(resolve(options.config), 'stdio', options.logLevel ?? 'warn');
  if (!opened.ok) return opened.code;
  const { gateway } = opened;
  const identity = await identify(gateway, options.key);
  if (!identity.ok) {
    complain(
      'sallyport stdio: the API key is not valid\n    Make one with: sallyport key create, and pass it as SALLYPORT_API_KEY.',
    );
    await opened.close();
    return exitCodes.configuration;
  }
  const endpoint: Endpoint =
    options.server === undefined ? { kind: 'portal' } : { kind: 'server', server: options.server };
  const listener = listenStdio(process.stdin, process.stdout, endpoint, identity.value, gateway.front);
  const stopWatching = await follow(resolve(options.config), opened, signals);
  const ended = await Promise.race([listener.ended, signals.stopped.then(() => 'closed' as const)]);
  gateway.drain();
  listener.close();
  stopWatching();
  await opened.close();
  const problem = stdioProblems[ended];
  if (problem === undefined) return exitCodes.ok;
  complain(`sallyport stdio: ${problem}`);
  return exitCodes.no;
}

/** Why `sallyport stdio` ended before its client was done. */
const stdioProblems: Readonly<Partial<Record<StdioEnd, string>>> = {
  'output-closed': 'the client closed its end of stdout.',
  'output-stalled': 'the client does not read: its answers are given up.',
  'credential-ended':
    'the API key was revoked or has expired\n    Make one with: sallyport key create, and start again.',
};

/** With a key, whom it stands for; without one, the local person whom the file names for anonymous access. */
async function identify(gateway: Gateway, key: string | undefined): Promise<Outcome<Caller>> {
  const { configuration } = gateway.revision;
  if (key !== undefined)
    return gateway.front.identify({ authorization: `Bearer ${key}`, headers: {}, transport: 'stdio' });
  const { anonymous } = configuration.authentication;
  const caller =
    anonymous === undefined ? undefined : callerFrom(configuration, anonymous, { kind: 'local', id: 'stdio' });
  return caller === undefined || typeof caller === 'string'
    ? { ok: false, refusal: { reason: 'credentials-missing' } }
    : { ok: true, value: caller };
}

/** How long secrets of other managers count, in milliseconds. */
const refreshPauses = { off: 0, '30s': 30_000, '1m': 60_000, '5m': 300_000, '1h': 3_600_000 };

interface ManagedSecrets {
  readonly loading: LoadOptions;
  /** Which edition of each stored secret was read last. */
  readonly editions: ReadonlyMap<string, string>;
  /** True when something was read from another manager. */
  remote(): boolean;
}

function manageSecrets(): ManagedSecrets {
  const editions = new Map<string, string>();
  let remote = false;
  return {
    editions,
    remote: () => remote,
    loading: {
      good: new Map(),
      open: (settings, data) => {
        const source = openSecretSource(settings, data, editions);
        return (kind, name) => {
          remote ||= kind !== 'secret';
          return source(kind, name);
        };
      },
    },
  };
}

type Opened =
  | {
      readonly ok: true;
      readonly gateway: Gateway;
      readonly log: Log;
      readonly managed: ManagedSecrets;
      problems(): readonly string[];
      readonly configureAudit: (revision: Revision) => void;
      close(): Promise<void>;
    }
  | { readonly ok: false; readonly code: number };

async function open(path: string, role: 'serve' | 'stdio', level: LogLevel): Promise<Opened> {
  const log = createLog(level);
  const managed = manageSecrets();
  const loaded = await loadConfiguration(path, process.env, managed.loading);
  if (!loaded.ok) return complainAll(loaded.diagnostics.map(formatDiagnostic));
  const { data, audit: auditing } = loaded.revision.configuration;
  const kept = keptProblems(data);
  if (kept.length > 0)
    return complainAll(
      kept.map(({ problem, remedy }) => `sallyport: ${problem}\n    ${remedy}`),
      exitCodes.data,
    );
  const masterKey = openMasterKey(data);
  if (!masterKey.ok) return complainAll([`${masterKey.problem}\n    ${masterKey.remedy}`], exitCodes.data);
  removeLeftDrafts([data, ...ownFolders.map((name) => join(data, name))], Date.now());
  const logKey = openLogMasterKey(data, auditing.keys.master);
  if (!logKey.ok) return complainAll([`${logKey.problem}\n    ${logKey.remedy}`], exitCodes.data);
  const keys = openKeyRing(data, (error) => log.warn({ err: error }, 'the key store cannot be read'));
  if (!keys.ok) return complainAll([`${keys.problem}\n    ${keys.remedy}`], exitCodes.data);
  const opened = await openAudit({
    configuration: loaded.revision.configuration,
    master: logKey.key,
    role,
    onHealth: (problem) =>
      problem === undefined ? log.info({}, 'records are written again') : log.error({ problem }, 'the log fails'),
    onTrouble: (problem) => log.warn({ problem }, 'beside the log'),
  });
  if (!opened.ok) {
    keys.value.close();
    return complainAll([`sallyport: ${opened.problem}\n    ${opened.remedy}`], exitCodes.data);
  }
  const audit = opened.log;
  if (!loaded.revision.configuration.audit.enabled) log.warn({}, 'audit.enabled is false: nothing is recorded');
  const made = Gateway.create(loaded.revision, { keys: keys.value, masterKey: masterKey.key, audit, log });
  if (!made.ok) {
    keys.value.close();
    await audit.close();
    return complainAll(made.diagnostics.map(formatDiagnostic));
  }
  const { gateway } = made;
  audit.note({ kind: 'start', at: Date.now(), detail: { revision: loaded.revision.digest } });
  for (const { kind, at, pid, stack, open } of takeLastWords(data)) {
    log.error({ kind, at: new Date(at).toISOString(), pid, stack, open }, 'an earlier process ended badly');
    audit.note({ kind, at: Date.now(), detail: { endedAt: at, pid, open: [...open] }, problem: stack });
  }
  const stopWatching = await startWatchdog({
    data,
    stallMs: () => gateway.revision.configuration.bounds.stall,
    exitCode: exitCodes.stalled,
    open: () => gateway.underWay(),
  });
  const isOver = catchLast(data, log, () => gateway.underWay());
  // A gateway of stdio has a log of its own, which need not tell what happened beside it.
  const missed = role === 'serve' ? keysMeanwhile(keys.value.all(), audit.served, Date.now()) : [];
  for (const event of missed) audit.note(event);
  keys.value.onMade((key) => audit.note(keyMade(key)));
  keys.value.onRevoked((id) => {
    const key = [...keys.value.all()].find((each) => each.id === id);
    audit.note(keyEnded(id, key, Date.now()));
  });
  let { configuration } = loaded.revision;
  return {
    ok: true,
    gateway,
    log,
    managed,
    configureAudit: (revision) => {
      for (const event of statusChanges(configuration, revision.configuration, Date.now())) audit.note(event);
      configuration = revision.configuration;
      audit.configure(auditSettings(configuration));
    },
    problems: () => {
      const health = audit.health();
      const problems = health.ok ? [] : [health.problem];
      return gateway.front.draining() ? [...problems, 'draining'] : problems;
    },
    async close() {
      await gateway.close();
      keys.value.close();
      audit.note({ kind: 'stop', at: Date.now(), detail: {} });
      await audit.close();
      stopWatching();
      isOver();
    },
  };
}

/**
 * The last handler. A promise that nothing caught is a bug that leaves everything else as it was, so it is written down
 * and the gateway goes on; after an error that nothing caught the state is unknown, so the process ends.
 */
function catchLast(data: string, log: Log, open: () => readonly string[]): () => void {
  const onRejection = (error: unknown): void => log.error({ err: error }, 'bug: please report it');
  const onError = (error: unknown): void => {
    log.error({ err: error }, 'bug: please report it; the gateway ends');
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    leaveLastWords(data, { kind: 'crash', at: Date.now(), pid: process.pid, stack, open: open().slice(0, 100) });
    process.exit(exitCodes.internal);
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onError);
  return () => {
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onError);
  };
}

/** Reloads when the files change and on SIGHUP. A wrong configuration changes nothing and is complained about. */
async function follow(path: string, opened: Opened & { ok: true }, signals: Signals): Promise<() => void> {
  const { gateway, log, configureAudit, managed } = opened;
  const apply = async (result: LoadResult): Promise<void> => {
    const diagnostics = result.ok ? await swapped(result.revision) : result.diagnostics;
    if (!result.ok) gateway.metrics.configurationLoaded(false);
    if (diagnostics.length > 0)
      log.error({ problems: diagnostics.map(formatDiagnostic) }, 'configuration refused: the running one stays');
    refreshLater();
  };
  const started = gateway.revision.configuration;
  const unnoted = (error: unknown): void =>
    log.warn({ err: error }, 'which secrets are in use cannot be noted, so that rotations wait in vain');
  const swapped = async (revision: Revision) => {
    if (revision.stale.length > 0)
      log.error({ problems: revision.stale }, 'secrets cannot be read: the values that were good stay in force');
    const problems = await gateway.swap(revision);
    if (problems.length > 0) return problems;
    const later = takenAtStart(started, revision.configuration);
    configureAudit(revision);
    writeInUse(revision.configuration.data, managed.editions, unnoted);
    const loaded = { revision: revision.digest.slice(0, 12) };
    if (later.length === 0) log.info(loaded, 'configuration in force');
    else log.warn({ ...loaded, settings: later }, 'configuration loaded: these settings count from the next start on');
    return [];
  };
  writeInUse(gateway.revision.configuration.data, managed.editions, unnoted);
  // Other managers do not announce changes of secrets, so they are asked again, after each load as it is then configured.
  let refresh: NodeJS.Timeout | undefined;
  const refreshLater = (): void => {
    clearTimeout(refresh);
    const pause = refreshPauses[gateway.revision.configuration.secrets.refresh];
    if (pause > 0 && managed.remote()) refresh = setTimeout(() => void watch.reload(), pause).unref();
  };
  const watch = await watchConfiguration(path, process.env, apply, {
    load: { ...managed.loading, read: readBeside },
    loaded: gateway.revision,
  });
  refreshLater();
  signals.onReload(() => void watch.reload());
  return () => {
    signals.ignoreReload();
    clearTimeout(refresh);
    watch.close();
  };
}

/** Settings that a running gateway does not take over, as far as they differ from those that it started with. */
function takenAtStart(started: Configuration, now: Configuration): string[] {
  const of = ({ data, audit, listen }: Configuration) => ({
    data,
    listen,
    'audit.enabled': audit.enabled,
    'audit.index': audit.index,
    'audit.keys': audit.keys,
  });
  const before = of(started);
  return Object.entries(of(now)).flatMap(([name, value]) =>
    isDeepStrictEqual(value, before[name as keyof typeof before]) ? [] : [name],
  );
}

function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function print(text: string): void {
  process.stdout.write(`${shown(text)}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${shown(asTyped(text))}\n`);
}

function complainAll(texts: readonly string[], code: number = exitCodes.configuration): Opened {
  for (const text of texts) complain(text);
  return { ok: false, code };
}
