/** What is measured: the upstream alone, two proxies that decide nothing, and the gateway in its profiles. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Gateway, type Settings, startGateway } from '../e2e/harness.ts';
import { startAnnounced } from '../e2e/process.ts';
import type { Kind } from './catalogue.ts';
import { keyHeader } from './message.ts';
import { startNginx } from './nginx.ts';
import { onCore, pinned, subjectCore } from './places.ts';
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
}

export interface Started extends AsyncDisposable {
  readonly subjects: readonly Subject[];
  /** Subjects that could not be started, and why. */
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

export const bareProxy = 'bare Node proxy';

export async function startSubjects(upstream: Upstream): Promise<Started> {
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
  await attempt('nginx', async () => {
    const nginx = resources.use(await startNginx({ core: subjectCore, http: proxyBlock(new URL(url).origin) }));
    const there = `${nginx.url}${new URL(url).pathname}`;
    return { name: 'nginx', note: 'reverse proxy', pid: nginx.pid, url: there, kind: 'strict', headers: {} };
  });
  await attempt(bareProxy, async () => {
    const bare = resources.use(await startBareProxy(url));
    const there = `${bare.said}${new URL(url).pathname}`;
    return { name: bareProxy, note: 'the measure', pid: bare.pid, url: there, kind: 'strict', headers: {} };
  });
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

function startBareProxy(url: string) {
  const file = join(import.meta.dirname, 'bare-proxy.ts');
  return startAnnounced({ command: pinned(subjectCore, process.execPath, file, new URL(url).origin) }, (line) =>
    typeof line === 'object' && line !== null && 'url' in line ? String(line.url) : undefined,
  );
}

function proxyBlock(origin: string): (port: number) => string {
  return (port) => `
  upstream bench { server ${new URL(origin).host}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://bench; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_buffers 32 16k; proxy_buffer_size 16k;
    }
  }`;
}
