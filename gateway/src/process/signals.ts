/**
 * Every signal in every phase of life: none ends the process by accident. Taken before anything else is done, and held
 * until the process ends, since a signal without a handler kills.
 */

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGQUIT';

/** What asks the gateway to stop. A second one means: at once. */
const stopping: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGQUIT'];
/** What would kill, or open a debugging port, and means nothing here. */
const ignored = ['SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM', 'SIGPIPE'] as const;

export interface Signals {
  readonly stopped: Promise<StopSignal>;
  /** SIGHUP: calls back from now on, and at once when one came before. Several at once are one. */
  onReload(reload: () => void): void;
  /** From now on SIGHUP does nothing. */
  ignoreReload(): void;
}

/** `exit`: called at the second signal that asks to stop. */
export function takeSignals(exit: () => void): Signals {
  const { promise: stopped, resolve } = Promise.withResolvers<StopSignal>();
  let isStopping = false;
  for (const signal of stopping)
    process.on(signal, () => {
      if (isStopping) return exit();
      isStopping = true;
      resolve(signal);
    });
  for (const signal of ignored) process.on(signal, () => {});
  let reload: (() => void) | undefined;
  let isMissed = false;
  let isOver = false;
  process.on('SIGHUP', () => {
    if (isOver) return;
    if (reload === undefined) isMissed = true;
    else reload();
  });
  return {
    stopped,
    onReload(listener) {
      reload = listener;
      if (isMissed) listener();
      isMissed = false;
    },
    ignoreReload() {
      isOver = true;
    },
  };
}
