/**
 * The thread beside the data plane, for what would stop its loop: long texts, and grammars whose worst case is not known.
 * One job at a time; callers take turns; a job that is late ends with the thread, and the next one gets a new thread.
 */
import type { Worker } from 'node:worker_threads';
import { startThread } from '../../../process/program.ts';
import { messageOf } from '../../../protocol/result.ts';
import type { Answers, Job } from './jobs.ts';

/** `busy`: too much waits already. `time`: it was not done by its deadline. `failed`: the thread could not do it. */
export type Undone = 'busy' | 'time' | 'failed';

export type Done<Answer> =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly reason: Undone };

export interface JobOptions {
  /** Whose turn it takes: the key of a caller, or the name of a server. */
  readonly owner: string;
  /** Milliseconds from when the thread takes it up. */
  readonly maxMs: number;
  /** Its length, in UTF-16 code units. */
  readonly chars: number;
}

export interface InspectionThread {
  run<Kind extends Job['kind']>(job: Extract<Job, { kind: Kind }>, options: JobOptions): Promise<Done<Answers[Kind]>>;
  close(): void;
}

/** What callers may have under way is bounded before: these bound memory, and give each of them room beside the others. */
export const threadBounds = {
  jobs: 4_096,
  jobsOfOne: 512,
  chars: 128 * 1024 * 1024,
  charsOfOne: 32 * 1024 * 1024,
  waitMs: 30_000,
} as const;

interface Queue {
  readonly jobs: Waiting[];
  chars: number;
}

interface Waiting extends JobOptions {
  readonly job: Job;
  readonly since: number;
  readonly settle: (done: Done<unknown>) => void;
}

export interface Sent {
  readonly id: number;
  readonly done: { readonly ok: true; readonly answer: unknown } | { readonly ok: false; readonly problem: string };
}

export function createInspectionThread(onProblem: (problem: string) => void = () => undefined): InspectionThread {
  return new Turns(onProblem);
}

class Turns implements InspectionThread {
  readonly #onProblem: (problem: string) => void;
  /** By owner, in the order of their turns. */
  readonly #waiting = new Map<string, Queue>();
  #jobs = 0;
  #chars = 0;
  #worker: Worker | undefined;
  #current: { readonly id: number; readonly waiting: Waiting; readonly timer: NodeJS.Timeout } | undefined;
  #lastId = 0;
  #isClosed = false;

  constructor(onProblem: (problem: string) => void) {
    this.#onProblem = onProblem;
  }

  run<Kind extends Job['kind']>(job: Extract<Job, { kind: Kind }>, options: JobOptions): Promise<Done<Answers[Kind]>> {
    const { owner, chars } = options;
    const own = this.#waiting.get(owner);
    const isFull =
      this.#jobs >= threadBounds.jobs ||
      this.#chars + chars > threadBounds.chars ||
      (own !== undefined && (own.jobs.length >= threadBounds.jobsOfOne || own.chars + chars > threadBounds.charsOfOne));
    if (isFull || this.#isClosed) return Promise.resolve({ ok: false, reason: 'busy' });
    const { promise, resolve } = Promise.withResolvers<Done<unknown>>();
    const waiting = { ...options, job, since: performance.now(), settle: resolve };
    if (own === undefined) this.#waiting.set(owner, { jobs: [waiting], chars });
    else {
      own.jobs.push(waiting);
      own.chars += chars;
    }
    this.#jobs++;
    this.#chars += chars;
    this.#next();
    return promise as Promise<Done<Answers[Kind]>>;
  }

  close(): void {
    this.#isClosed = true;
    for (const { jobs } of this.#waiting.values()) for (const waiting of jobs) waiting.settle(late);
    this.#waiting.clear();
    this.#end(late);
    this.#stop();
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const waiting = this.#take();
    if (waiting === undefined) return;
    const id = ++this.#lastId;
    const timer = setTimeout(() => {
      this.#stop();
      this.#end(late);
    }, waiting.maxMs);
    this.#current = { id, waiting, timer };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#started().postMessage({ id, job: waiting.job });
  }

  /** The first job of the owner whose turn it is; its next one comes after those of all others. */
  #take(): Waiting | undefined {
    for (const [owner, queue] of this.#waiting) {
      this.#waiting.delete(owner);
      const waiting = queue.jobs.shift();
      if (waiting === undefined) continue;
      queue.chars -= waiting.chars;
      if (queue.jobs.length > 0) this.#waiting.set(owner, queue);
      this.#jobs--;
      this.#chars -= waiting.chars;
      if (performance.now() - waiting.since < threadBounds.waitMs) return waiting;
      waiting.settle(late);
    }
    return undefined;
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = startThread('stages/inspect/beside/thread', {
      name: 'sallyport-inspection',
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    const failed = (problem: string): void => {
      if (this.#worker !== worker) return;
      this.#onProblem(problem);
      this.#worker = undefined;
      this.#end({ ok: false, reason: 'failed' });
    };
    worker.on('message', ({ id, done }: Sent) => {
      if (id !== this.#current?.id) return;
      if (!done.ok) this.#onProblem(done.problem);
      this.#end(done.ok ? done : { ok: false, reason: 'failed' });
    });
    worker.on('error', (error) => failed(messageOf(error)));
    worker.on('exit', () => failed('the inspection thread has ended'));
    // What waits for an answer keeps the process: its deadline does.
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #stop(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker !== undefined) void worker.terminate().catch(() => undefined);
  }

  #end(done: Done<unknown>): void {
    if (this.#current === undefined) return;
    const { waiting, timer } = this.#current;
    clearTimeout(timer);
    this.#current = undefined;
    waiting.settle(done);
    this.#next();
  }
}

const late = { ok: false, reason: 'time' } as const;
