/** Looks at the disk of a running log: warns long before it is full, and has the oldest payloads dropped when it must be. */
import type { RetentionSettings } from '../settings.ts';
import { type Dropped, nothingDropped, sameDropped } from './dropped.ts';
import { freeAt, mebibytes, spaceWarning } from './space.ts';

/** Bytes of new records after which the size of the log is looked at again, at least. */
const minGrowth = 16 * 1024 * 1024;
/** And as a share of the size that it may have. */
const growthShare = 1 / 32;
/** Milliseconds until the next attempt when a full disk leaves nothing to drop. */
const pauseMs = 10_000;
/** A warning is over when there is this much more than it takes. */
const relief = 1.25;

interface SpaceWatchOptions {
  readonly folder: string;
  /** Bytes that were written to the log by now. */
  readonly written: () => number;
  /** Drops what must go. `undefined`: it failed, and that was said. */
  readonly retain: () => Promise<Dropped | undefined>;
  readonly say: (problem: string) => void;
}

export class SpaceWatch {
  readonly #options: SpaceWatchOptions;
  #isWarned = false;
  #isRunning = false;
  /** What had been written when the size was looked at last. */
  #written = 0;
  #pausedUntil = 0;
  /** It was said that nothing is left to drop. */
  #isStuck = false;

  constructor(options: SpaceWatchOptions) {
    this.#options = options;
  }

  /** Called periodically. Throws nothing: a disk that cannot be asked fails where records are written. */
  async look(settings: RetentionSettings): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      const { folder, written } = this.#options;
      const free = freeAt(folder);
      this.#warn(free, settings);
      const { size, reserve } = settings;
      if (reserve === undefined || free >= reserve) this.#isStuck = false;
      const hasGrown = size !== undefined && written() - this.#written >= Math.max(minGrowth, size * growthShare);
      const isShort = reserve !== undefined && free < reserve && performance.now() >= this.#pausedUntil;
      if (!hasGrown && !isShort) return;
      this.#written = written();
      await this.#drop(settings);
    } catch {
      // The disk does not say what it has left: the writing of records tells of that.
    } finally {
      this.#isRunning = false;
    }
  }

  #warn(free: number, settings: RetentionSettings): void {
    const warning = spaceWarning(this.#isWarned ? free / relief : free, settings);
    if (warning !== undefined && !this.#isWarned) this.#options.say(warning);
    this.#isWarned = warning !== undefined;
  }

  async #drop({ reserve }: RetentionSettings): Promise<void> {
    const { folder, retain, say } = this.#options;
    const dropped = await retain();
    const isFruitless = dropped === undefined || sameDropped(dropped, nothingDropped);
    if (!isFruitless || reserve === undefined || freeAt(folder) >= reserve) return;
    this.#pausedUntil = performance.now() + pauseMs;
    if (dropped === undefined || this.#isStuck) return;
    this.#isStuck = true;
    say(
      `the disk of the log has less than ${mebibytes(reserve)} left (audit.retention.reserve), and no arguments or results that could be dropped: free some of it`,
    );
  }
}
