/**
 * Retention of a log beside its writer: what is old is looked for and dropped in a thread of its own, as both take as long
 * as the log is large. Between the two the writer says what goes, in a record, before anything is gone.
 */
import type { Worker } from 'node:worker_threads';
import { startThread } from '../../../process/program.ts';
import type { RetentionSettings } from '../settings.ts';
import type { Writer } from '../writer/writer.ts';
import { type DropPlan, type Dropped, nothingDropped, sameDropped } from './dropped.ts';
import type { Work } from './thread.ts';

const hour = 3_600_000;
/** A segment goes when the youngest of its records is old enough, so a quiet log begins one a day, or sooner for short ages. */
const maxSegmentAgeMs = 24 * hour;
const segmentsInAge = 8;

export class Retention {
  readonly #folder: string;
  readonly #writer: Writer;
  readonly #now: () => number;
  #segmentSince: number;
  #running: Promise<unknown> = Promise.resolve();
  #worker: Worker | undefined;
  #closed = false;

  constructor(folder: string, writer: Writer, now: () => number = Date.now) {
    this.#folder = folder;
    this.#writer = writer;
    this.#now = now;
    this.#segmentSince = now();
  }

  /** Drops what is older than these ages, after what runs already. Returns what it has newly dropped. Throws when the disk does. */
  run(ages: RetentionSettings): Promise<Dropped> {
    const run = this.#running.then(() => this.#run(ages));
    this.#running = run.catch(() => {});
    return run;
  }

  /** Ends what runs; the next run goes on with it. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
    await this.#running;
  }

  async #run(ages: RetentionSettings): Promise<Dropped> {
    const writer = this.#writer;
    const now = this.#now();
    const { size: _, reserve: __, ...byAge } = ages;
    const shortest = Math.min(...Object.values(byAge));
    if (now - this.#segmentSince >= Math.min(maxSegmentAgeMs, Math.max(hour, shortest / segmentsInAge))) {
      writer.endSegment();
      this.#segmentSince = now;
    }
    await writer.settle();
    if (this.#closed) throw closing();
    const last = writer.retention.said;
    const work = { folder: this.#folder, settled: writer.settled, ages, now, last };
    const plan = (await this.#work({ do: 'plan', work })) as DropPlan | undefined;
    if (this.#closed) throw closing();
    if (plan !== undefined) writer.sayDropped(plan);
    const { said, done } = writer.retention;
    // Also what an earlier process did not get to.
    const finished = !sameDropped(said, done);
    if (finished) {
      await this.#work({ do: 'drop', work: { folder: this.#folder, from: done, to: said } });
      writer.isDropped(said);
    }
    // What was said before and is off the disk only now is dropped now.
    return plan ?? (finished ? said : nothingDropped);
  }

  async #work(workerData: Work): Promise<unknown> {
    if (this.#closed) throw closing();
    const worker = startThread('stages/record/retention/thread', { workerData, name: 'sallyport-retention' });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(closing()));
    });
  }
}

function closing(): Error {
  return new Error('the log is being closed');
}
