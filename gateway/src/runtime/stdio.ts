/** `sallyport stdio`: the gateway as a stdio server for one client. */
import { resolve } from 'node:path';
import { exitCodes } from '../cli/exit-codes.ts';
import { listenStdio, type StdioEnd } from '../listeners/stdio/server.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { Endpoint } from '../pipeline/exchange.ts';
import type { Outcome } from '../pipeline/refusal.ts';
import { takeSignals } from '../process/signals.ts';
import { callerFrom } from '../stages/authenticate/caller.ts';
import type { LogLevel } from '../telemetry/log.ts';
import type { Control } from './control.ts';
import { report } from './messages.ts';
import { open } from './open.ts';
import { follow } from './reload.ts';

export interface StdioOptions {
  readonly config: string;
  /** An API key; without one the anonymous caller of the configuration. */
  readonly key?: string;
  /** The one server to offer; all of the caller's servers without it. */
  readonly server?: string;
  readonly logLevel?: LogLevel;
}

/** Runs the gateway as a stdio server for one client. Resolves to an exit code. */
export async function stdio(options: StdioOptions): Promise<number> {
  const signals = takeSignals(() => process.exit(exitCodes.no));
  const opened = await open(resolve(options.config), 'stdio', options.logLevel ?? 'warn');
  if (!opened.ok) return opened.code;
  const { gateway } = opened;
  const identity = await identify(gateway, options.key);
  if (!identity.ok) {
    report(
      'sallyport stdio: the API key is not valid\n    Make one with: sallyport key create, and pass it as SALLYPORT_API_KEY.',
    );
    await opened.close();
    return exitCodes.configuration;
  }
  const endpoint: Endpoint =
    options.server === undefined ? { kind: 'portal' } : { kind: 'server', server: options.server };
  const listener = listenStdio(
    { input: process.stdin, output: process.stdout, endpoint, caller: identity.value },
    gateway.plane.context,
  );
  const stopWatching = await follow(resolve(options.config), opened, signals);
  const ended = await Promise.race([listener.ended, signals.stopped.then(() => 'closed' as const)]);
  gateway.plane.drain();
  listener.close();
  stopWatching();
  await opened.close();
  const problem = stdioProblems[ended];
  if (problem === undefined) return exitCodes.ok;
  report(`sallyport stdio: ${problem}`);
  return exitCodes.no;
}

/** Why `sallyport stdio` ended before its client was done. */
const stdioProblems: Readonly<Partial<Record<StdioEnd, string>>> = {
  'output-closed': 'the client closed its end of stdout.',
  'output-stalled': 'the client does not read: its answers are given up.',
  'credential-ended':
    'the API key was revoked or has expired\n    Make one with: sallyport key create, and start again.',
};

/** With a key, its caller; without one, the caller that the configuration names for anonymous access. */
async function identify(gateway: Control, key: string | undefined): Promise<Outcome<Caller>> {
  const { configuration } = gateway.plane.revision;
  if (key !== undefined)
    return gateway.plane.context.identify({ authorization: `Bearer ${key}`, headers: {}, transport: 'stdio' });
  const { anonymous } = configuration.authentication;
  const caller =
    anonymous === undefined
      ? undefined
      : callerFrom(configuration, anonymous, { credential: { kind: 'local', id: 'stdio' } });
  return caller === undefined || typeof caller === 'string'
    ? { ok: false, refusal: { reason: 'credentials-missing' } }
    : { ok: true, value: caller };
}
