/**
 * A server as a child process: newline-delimited JSON over its stdin and stdout. No shell, a minimal environment, its
 * own process group; lines, stderr and what waits to be written are bounded.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { encodingFault, type JsonResult } from '../../protocol/json.ts';
import { type RequestId, readMessage } from '../../protocol/jsonrpc.ts';
import { Lines } from '../../protocol/lines.ts';
import { misbehaved, sent, unavailable } from '../failures.ts';
import { MessageReader } from '../message-reader.ts';
import type { AnswerLimits, Transport, TransportEvents } from '../transport.ts';
import { marker, type Supervisor } from './supervisor.ts';

export interface StdioCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface StdioLimits extends AnswerLimits {
  /** Longest line in bytes. */
  readonly result: number;
}

export interface StdioLog {
  /** What a server wrote to stderr, or to stdout without being JSON. Bounded. */
  onNoise(stream: 'stdout' | 'stderr', text: string): void;
  /** What was meant as a message and is none. Bounded. */
  onBroken(text: string): void;
}

/** Milliseconds for the lines of one server before others have their turn, and bytes between two looks at the clock. */
const maxTurnMs = 5;
const pieceLength = 4_096;
const serverIdLength = 4096;
/** Bytes that may wait for a process that does not read. */
const maxBacklogBytes = 64 * 1024 * 1024;
const noiseLength = 2_000;
/** Lines beside messages that are heard of one process. */
const maxNoise = 1_000;
const openingBrace = 123;
/** Pauses between closing stdin, SIGTERM and SIGKILL (specification, stdio, shutdown). */
const graceMs = 1_500;
/** A process that has not spoken yet may be installing what it runs: ended in the middle, it leaves a damaged cache. */
const installGraceMs = 10_000;

/** Milliseconds after its end in which the output of a process is read. */
const lastWordsTimeMs = 1_000;

/**
 * What every program needs to run at all, and where this machine keeps the authorities that it trusts: without them `npx`
 * behind a proxy that ends TLS waits for ever. Nothing else of the gateway's environment reaches it.
 */
const inherited =
  'PATH HOME LANG TMPDIR SystemRoot NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE'.split(' ');

export class StdioWire implements Transport {
  readonly cancelsByNotification = true;
  readonly hearing = 1;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #limits: StdioLimits;
  readonly #events: TransportEvents;
  readonly #log: StdioLog;
  readonly #exited: Promise<void>;
  readonly #reader = new MessageReader();
  #down = false;
  #noise = 0;
  /** It has written a message. */
  #hasSpoken = false;

  constructor(
    command: StdioCommand,
    limits: StdioLimits,
    events: TransportEvents,
    log: StdioLog,
    supervisor: Supervisor,
  ) {
    this.#limits = limits;
    this.#events = events;
    this.#log = log;
    const env: Record<string, string> = {};
    for (const name of inherited) {
      const value = process.env[name];
      if (value !== undefined) env[name] = value;
    }
    const child = spawn(command.program, [...command.args], {
      cwd: command.cwd,
      env: { ...env, ...command.env, [marker]: supervisor.mark },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      shell: false,
    });
    if (child.pid !== undefined) supervisor.watch(child.pid);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      const over = (detail: string): void => {
        this.#fail(detail);
        resolve();
      };
      const release = (): void => {
        if (child.pid !== undefined) supervisor.release(child.pid);
      };
      child.once('error', (error) => {
        release();
        over(`cannot be started: ${error.message}`);
      });
      child.once('exit', (code, signal) => {
        // What the server started itself must not outlive it either.
        this.#signal('SIGKILL');
        release();
        const detail = signal === null ? `exited with code ${code}` : `ended by ${signal}`;
        // What it wrote before its end is still to be read.
        const late = setTimeout(() => over(detail), lastWordsTimeMs);
        const heard = (): void =>
          this.#reader.after(() => {
            clearTimeout(late);
            over(detail);
          });
        if (child.stdout.destroyed) heard();
        else child.stdout.once('close', heard);
      });
    });
    // A process that ends closes its input first: how it ended says more, and comes soon.
    child.stdin.once('error', () => setTimeout(() => this.#fail('closed its input'), lastWordsTimeMs).unref());
    child.stdin.on('error', () => {});
    const lines = new Lines(limits.result, {
      onLine: (line) => this.#read(line),
      onTooLong: (first, last) => this.#skipped(first, last),
    });
    child.stdout.on('data', (chunk: Buffer) => this.#feed(lines, chunk));
    child.stdout.on('end', () => lines.end());
    child.stderr.on('data', (chunk: Buffer) => this.#hear('stderr', chunk));
  }

  request(id: RequestId, text: string): undefined {
    const problem = this.#write(text);
    if (problem !== undefined) this.#events.onRequestFailed(id, unavailable(problem), false);
  }

  send(text: string): void {
    this.#write(text);
  }

  openStream(): void {}
  agreed(): void {}

  async close(): Promise<void> {
    this.#down = true;
    this.#child.stdin.end();
    const killAfter = this.#hasSpoken ? graceMs * 2 : installGraceMs;
    const timers = [
      setTimeout(() => this.#signal('SIGTERM'), graceMs),
      setTimeout(() => this.#signal('SIGKILL'), killAfter),
    ];
    await this.#exited;
    for (const timer of timers) clearTimeout(timer);
  }

  /** A process may print faster than its lines can be read: others have their turn in between, and it waits. */
  #feed(lines: Lines, chunk: Buffer): void {
    const until = performance.now() + maxTurnMs;
    let at = 0;
    while (at < chunk.length && !this.#reader.isBusy && performance.now() < until) {
      lines.feed(chunk.subarray(at, at + pieceLength));
      at += pieceLength;
    }
    const { stdout } = this.#child;
    if (at >= chunk.length && !this.#reader.isBusy) return void stdout.resume();
    stdout.pause();
    const rest = (): void => this.#feed(lines, chunk.subarray(at));
    if (this.#reader.isBusy) this.#reader.after(rest);
    else setImmediate(rest);
  }

  #write(text: string): string | undefined {
    if (this.#down) return 'the process has ended';
    if (this.#child.stdin.writableLength > maxBacklogBytes) {
      this.#fail('does not read its input');
      return 'the process does not read its input';
    }
    this.#child.stdin.write(`${text}\n`);
    return undefined;
  }

  /** The call whose answer was too long is told so; the process and its other calls go on. */
  #skipped(first: Buffer, last: Buffer): void {
    const id = idIn(first, last);
    if (id === undefined) return this.#fail(`wrote a line longer than ${this.#limits.result} bytes`);
    this.#events.onRequestFailed(id, { kind: 'too-large', limit: this.#limits.result }, false);
  }

  #read(line: Buffer): void {
    if (this.#down || line.length === 0) return;
    // What is left of the chunk in which a long line ended: the process is not heard meanwhile.
    if (this.#reader.isBusy) return this.#reader.after(() => this.#read(line), line.length);
    const fault = encodingFault(line);
    if (fault !== undefined) return this.#misread(line, fault);
    this.#reader.read(line.toString('utf8'), this.#limits, (parsed) => this.#take(line, parsed));
  }

  #take(line: Buffer, parsed: JsonResult): void {
    if (this.#down) return;
    if (!parsed.ok) return this.#misread(line, parsed.fault);
    const read = readMessage(parsed.value, serverIdLength);
    this.#hasSpoken ||= read.ok;
    if (read.ok) this.#events.onMessage(read.message, line.length, undefined, parsed.memberText);
    else this.#misread(line, read.problem);
  }

  /** Some write their log to stdout. What looks like a message is told to the operator, and to its call if it has one. */
  #misread(line: Buffer, problem: string): void {
    if (line[0] !== openingBrace) return this.#hear('stdout', line);
    const id = idIn(line, line);
    if (id !== undefined)
      this.#events.onRequestFailed(id, sent(misbehaved(`wrote a line that is no message: ${problem}`)), false);
    if (this.#noise++ < maxNoise) this.#log.onBroken(line.subarray(0, noiseLength).toString('utf8').trimEnd());
  }

  #hear(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    // A process that never stops talking is heard for a while and then ignored; its output is always read.
    if (this.#noise > maxNoise) return;
    this.#noise++;
    this.#log.onNoise(stream, chunk.subarray(0, noiseLength).toString('utf8').trimEnd());
  }

  #fail(detail: string): void {
    if (this.#down) return;
    this.#down = true;
    this.#signal('SIGKILL');
    this.#events.onDown(detail);
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The whole group has ended.
    }
  }
}

/** The id of an answer that cannot be read whole, where it stands at the beginning or at the end of it. Ids of a server's requests are its own. */
function idIn(first: Buffer, last: Buffer): number | undefined {
  const id =
    /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*"?(\d{1,15})"?\s*,(?!\s*"method")/.exec(
      first.subarray(0, 200).toString('latin1'),
    )?.[1] ?? /"id"\s*:\s*"?(\d{1,15})"?\s*\}\s*$/.exec(last.subarray(-200).toString('latin1'))?.[1];
  return id === undefined ? undefined : Number(id);
}
