/** Runs wrk on the load core with one prepared request. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../e2e/process.ts';
import type { BenchRequest } from './message.ts';
import { loadCore, pinned } from './places.ts';

export interface Load {
  readonly url: string;
  readonly request: BenchRequest;
  readonly connections: number;
  readonly seconds: number;
  /** An answer shorter than this is wrong. */
  readonly least: number;
  /** After so many seconds an answer is missing; 5 by default. */
  readonly timeout?: number;
}

export interface Loaded {
  readonly calls: number;
  readonly seconds: number;
  readonly bytes: number;
  /** Answers that were wrong, and requests that got none. */
  readonly errors: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The beginning of a wrong answer, when there was one. */
  readonly sample: string;
}

interface Printed {
  readonly calls: number;
  readonly microseconds: number;
  readonly bytes: number;
  readonly bad: number;
  readonly broken: number;
  readonly p50: number;
  readonly p99: number;
  readonly sample: string;
}

export async function runWrk(load: Load): Promise<Loaded> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-wrk-'));
  try {
    const [headers, body] = [join(folder, 'headers'), join(folder, 'body')];
    const lines = Object.entries(load.request.headers).map(([name, value]) => `${name}: ${value}\n`);
    await writeFile(headers, lines.join(''), { mode: 0o600 });
    await writeFile(body, load.request.body);
    const options = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', `${load.timeout ?? 5}s`];
    const script = ['-s', join(import.meta.dirname, 'call.lua'), load.url, '--', headers, body, String(load.least)];
    const run = await runToEnd({
      command: pinned(loadCore, 'wrk', ...options, ...script),
      within: load.seconds * 1_000 + 20_000,
    });
    const line = run.stdout.split('\n').find((text) => text.startsWith('{"calls"'));
    if (line === undefined) throw new Error(`wrk ended with ${run.code}: ${run.stdout}${run.stderr}`);
    const said = JSON.parse(line) as Printed;
    return { ...said, seconds: said.microseconds / 1e6, errors: said.bad + said.broken };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
