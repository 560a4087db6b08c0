/** What is measured: the upstream alone, two proxies that decide nothing, and the gateway in its profiles. */
import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { type Gateway, type Settings, startGateway } from '../e2e/harness.ts';
import type { Kind } from './catalogue.ts';
import { keyHeader } from './message.ts';
import { own, readPeer, startPeer } from './peers.ts';
import { onCore, subjectCore } from './places.ts';
import { fallback, profiles } from './profiles.ts';
import type { Upstream } from './upstream.ts';

export interface Subject {
  readonly name: string;
  readonly note: string;
  /** Where its CPU is read; the upstream alone has no process of its own under test. */
  readonly pid: number | undefined;
  readonly url: string;
  readonly kind: Kind;
  readonly headers: Readonly<Record<string, string>>;
  /** What it calls a tool of the upstream, where that is another name. */
  readonly toolName?: (tool: string) => string;
}

export interface Started extends AsyncDisposable {
  readonly subjects: readonly Subject[];
  /** Subjects that could not be started, and why. */
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

export const bareProxy = 'bare Node proxy';

/** `foreign`: descriptions of gateways of others, as files. */
export async function startSubjects(upstream: Upstream, foreign: readonly string[] = []): Promise<Started> {
  const resources = new AsyncDisposableStack();
  const url = upstream.url('calls');
  const subjects: Subject[] = [
    { name: 'upstream alone', note: upstream.kind, pid: undefined, url, kind: 'strict', headers: {} },
  ];
  const missing: { name: string; why: string }[] = [];
  const attempt = async (name: string, start: () => Promise<Subject>) => {
    try {
      subjects.push(await start());
    } catch (error) {
      missing.push({ name, why: String(error).split('\n').slice(0, 3).join(' ') });
    }
  };
  for (const file of [...own, ...foreign])
    await attempt(basename(file, '.json'), async () => resources.use(await startPeer(await readPeer(file), url)));
  for (const profile of [...profiles, fallback])
    await attempt(profile.name, async () => {
      const { gateway, headers } = await startPinned(profile.settings(url), { keyed: profile.keyed });
      resources.use(gateway);
      const there = gateway.endpoint('bench');
      return { name: profile.name, note: profile.adds, pid: gateway.pid, url: there, kind: profile.kind, headers };
    });
  return { subjects, missing, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

export const builtGateway = join(import.meta.dirname, 'gateway.js');

/** Compiles the gateway: what an operator runs is not the sources. */
export function buildGateway(): void {
  const built = spawnSync(process.execPath, [join(import.meta.dirname, '..', 'gateway', 'scripts', 'build.ts')], {
    cwd: join(import.meta.dirname, '..', 'gateway'),
    stdio: 'inherit',
  });
  if (built.status !== 0) throw new Error('the gateway does not compile');
}

/** A gateway alone on the core of the subject, and the headers with which its caller comes. */
export async function startPinned(
  settings: Settings,
  options: { readonly keyed: boolean; readonly program?: string },
): Promise<{ readonly gateway: Gateway; readonly headers: Readonly<Record<string, string>> }> {
  const gateway = await startGateway(settings, {
    prefix: onCore(subjectCore),
    program: options.program ?? builtGateway,
    within: 60_000,
    // What an operator runs: no colours, no development mode, and warnings only.
    env: { NODE_ENV: 'production' },
  });
  try {
    return { gateway, headers: keyHeader(options.keyed ? gateway.key('bench') : undefined) };
  } catch (error) {
    await gateway.stop();
    throw error;
  }
}
