/** Work that nothing waits for. Its failure must reach the operator's log: an unhandled rejection ends the process. */
export interface BackgroundLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

let log: BackgroundLog | undefined;

/** Failures of background work go to this log from now on; until then to one of their own on stderr. */
export function logBackgroundFailures(to: BackgroundLog): void {
  log = to;
}

/** Lets `work` go on by itself. A rejection is a bug: it is logged with the name of the task, and ends nothing. */
export function inBackground(task: string, work: Promise<unknown>): void {
  work.catch(async (error: unknown) => {
    // Loaded when there is something to say: threads that never log start without it.
    log ??= (await import('./log.ts')).createLog('error');
    log.error({ err: error, task }, 'background task failed');
  });
}
