/** Child processes of the end-to-end tests: started without a shell, waited for with a deadline, ended by pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

export interface Running extends AsyncDisposable {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The last of what it wrote to stderr, for the message of a failed test. */
  readonly errors: () => string;
  /** SIGTERM, and SIGKILL when it does not end in time. Resolves when the process is gone. */
  readonly stop: () => Promise<void>;
}

export interface Start {
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds until the announcement must have come. */
  readonly within?: number;
}

/**
 * Milliseconds after which something that never happens is given up: far more than a busy machine takes, so that only what
 * hangs is found by it.
 */
export const patienceMs = 60_000;

const keptErrors = 16 * 1024;
const grace = 15_000;

/** Starts a process and waits for the first line of JSON on its stdout that `wanted` accepts. */
export async function startAnnounced<T>(
  start: Start,
  wanted: (line: unknown) => T | undefined,
): Promise<Running & { readonly said: T }> {
  const [program, ...args] = start.command;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...start.env },
    ...(start.cwd === undefined ? {} : { cwd: start.cwd }),
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-keptErrors);
  });
  const said = await announcement(child, start.within ?? patienceMs, wanted).catch(async (cause: unknown) => {
    await stop(child);
    throw new Error(`${start.command.join(' ')}: ${String(cause)}\n${errors}`, { cause });
  });
  const running = { pid: child.pid ?? 0, child, errors: () => errors, stop: () => stop(child), said };
  return { ...running, [Symbol.asyncDispose]: running.stop };
}

function announcement<T>(child: ChildProcess, within: number, wanted: (line: unknown) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`said nothing within ${within} ms`)), within);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${signal ?? code}`));
    });
    if (child.stdout === null) return;
    // Reading goes on after the announcement, so that the process never waits for a full pipe.
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = wanted(parsed(line));
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), grace);
  await gone;
  clearTimeout(timer);
}

/** Runs a program to its end. Past the deadline it is killed, and the code is null. */
export async function runToEnd(
  start: Start,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const [program, ...args] = start.command;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...start.env },
    ...(start.cwd === undefined ? {} : { cwd: start.cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), start.within ?? patienceMs);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, stdout, stderr };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts a server that announces nothing, and waits until something accepts connections on its port. */
export async function startListening(start: Start, port: number): Promise<Running> {
  const [program, ...args] = start.command;
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...start.env },
    ...(start.cwd === undefined ? {} : { cwd: start.cwd }),
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-keptErrors);
  });
  child.once('error', (error) => (errors += error.message));
  const deadline = Date.now() + (start.within ?? patienceMs);
  while (!(await accepts(port))) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop(child);
      throw new Error(`${start.command.join(' ')} does not listen on ${port}\n${errors}`);
    }
    await pause(20);
  }
  const end = () => stop(child);
  return { pid: child.pid ?? 0, child, errors: () => errors, stop: end, [Symbol.asyncDispose]: end };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
