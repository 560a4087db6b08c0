/**
 * Notices an event loop that stands still: a loop without end, or work that nothing cut into slices. A thread of its own
 * looks, since the loop cannot look at itself; it leaves what it knows, and ends the process, so that what watches the
 * process can start it again.
 */
import { once } from 'node:events';
import { url as inspectorUrl } from 'node:inspector';
import { startThread } from './program.ts';

export interface WatchdogOptions {
  readonly data: string;
  /** Milliseconds for which the loop may stand still. */
  readonly stallMs: () => number;
  /** What the process ends with. */
  readonly exitCode: number;
  /** Correlation ids of the exchanges that are open, for the record. */
  readonly open: () => readonly string[];
}

/** What the thread is given. `shared[0]`: the last beat, in milliseconds of `performance`. `shared[1]`: `stallMs`. */
export interface WatchdogStart {
  readonly shared: Float64Array;
  readonly data: string;
  readonly exitCode: number;
}

/** Under this name the thread asks the stopped main thread for the exchanges that are open. */
export const openName = 'sallyportOpenExchanges';
const beatMs = 500;

/** Resolves when the thread watches: a loop that stood still before that would be seen by nothing. Returns what ends the watch. */
export async function startWatchdog({ data, stallMs, exitCode, open }: WatchdogOptions): Promise<() => void> {
  const shared = new Float64Array(new SharedArrayBuffer(16));
  const beat = (): void => {
    shared[0] = Date.now();
    shared[1] = stallMs();
  };
  beat();
  Object.defineProperty(globalThis, openName, { value: () => open().slice(0, 100), configurable: true });
  const timer = setInterval(() => {
    // A debugger stops the loop on purpose.
    if (inspectorUrl() === undefined) beat();
    else shared[1] = Number.POSITIVE_INFINITY;
  }, beatMs);
  timer.unref();
  const workerData: WatchdogStart = { shared, data, exitCode };
  const worker = startThread('process/watchdog-thread', {
    workerData,
    name: 'sallyport-watchdog',
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  worker.unref();
  await once(worker, 'message');
  worker.on('error', () => clearInterval(timer));
  return () => {
    clearInterval(timer);
    void worker.terminate().catch(() => undefined);
  };
}
