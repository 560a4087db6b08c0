/**
 * Keeps the promise that no stdio server outlives the gateway, however it ends. A small process of its own holds the
 * other end of a pipe: when the gateway is gone, even by SIGKILL, the pipe closes and the supervisor ends every process
 * group it was told of. It lives in its own session, so that Ctrl-C in a terminal reaches the gateway and not it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { programFile } from '../../process/program.ts';

/** Environment variable that marks every process started for a server, and everything that those start. */
export const marker = 'SALLYPORT_SUPERVISED';

const program = programFile('upstreams/stdio/supervise');

export class Supervisor {
  readonly mark: string;
  #child: ChildProcess | undefined;
  readonly #groups = new Set<number>();
  #closed = false;

  /** `mark` must differ between gateways that run at the same time. */
  constructor(mark: string) {
    this.mark = mark;
  }

  /** Must be called in the same turn in which the process was started. */
  watch(group: number): void {
    this.#groups.add(group);
    this.#start();
    this.#tell(`+${group}\n`);
  }

  /** The process group has ended by itself. */
  release(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`-${group}\n`);
  }

  /** Ends the supervisor; whatever it still watches ends with it. */
  close(): void {
    this.#closed = true;
    this.#child?.stdin?.end();
  }

  #start(): void {
    if (this.#child !== undefined || this.#closed) return;
    const child = spawn(process.execPath, [program, this.mark], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
    });
    child.on('error', () => {});
    child.stdin?.on('error', () => {});
    child.once('exit', () => {
      if (this.#child !== child) return;
      this.#child = undefined;
      // The supervisor was killed: a new one takes over what is left to watch.
      if (this.#closed || this.#groups.size === 0) return;
      this.#start();
      for (const group of this.#groups) this.#tell(`+${group}\n`);
    });
    child.unref();
    (child.stdin as Socket | null)?.unref();
    this.#child = child;
  }

  /** Written without a queue: after a SIGKILL nothing that is still queued would arrive. */
  #tell(line: string): void {
    const stdin = this.#child?.stdin as (Socket & { _handle?: { fd?: number } }) | null | undefined;
    const fd = stdin?._handle?.fd;
    if (stdin === null || stdin === undefined) return;
    try {
      if (fd !== undefined && fd >= 0) writeSync(fd, line);
      else stdin.write(line);
    } catch {
      stdin.write(line);
    }
  }
}
