/** Starts nginx in the foreground with a generated configuration, in a folder of its own. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, stop } from '../e2e/process.ts';
import { pinned } from './places.ts';

export interface Nginx extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
}

export async function startNginx(options: {
  readonly core: string;
  readonly modules?: readonly string[];
  /** What stands in `http { }` besides the common part, given the port to listen on. */
  readonly http: (port: number) => string;
}): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(' ');
  await writeFile(
    file,
    `${(options.modules ?? []).map((module) => `load_module ${module};\n`).join('')}
daemon off; master_process off; pid ${join(folder, 'nginx.pid')}; error_log stderr crit; worker_rlimit_nofile 20000;
events { worker_connections 19000; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; tcp_nodelay on; ${temporary}
  client_body_buffer_size 256k; client_max_body_size 8m; client_body_in_single_buffer on;
  ${options.http(port)}
}
`,
  );
  const [program, ...args] = pinned(options.core, 'nginx', '-c', file, '-p', folder);
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.once('error', (error) => (errors += error.message));
  const url = `http://127.0.0.1:${port}`;
  const end = async () => {
    await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + 5_000;
  while (!(await answers(url))) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await end();
      throw new Error(`nginx did not start: ${errors}`);
    }
    await pause(20);
  }
  return { pid: child.pid ?? 0, url, [Symbol.asyncDispose]: end };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    async (response) => {
      await response.body?.cancel();
      return true;
    },
    () => false,
  );
}
