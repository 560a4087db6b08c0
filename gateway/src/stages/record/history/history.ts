/** Asks the log about callers, on a thread of its own: a search takes as long as the log is large. */
import type { Worker } from 'node:worker_threads';
import type { AskHistory, CallHistory, HistoryQuestion } from '../../../pipeline/contracts/history.ts';
import { startThread } from '../../../process/program.ts';
import type { IndexStart } from '../search-index/thread.ts';

export const historyBounds = {
  /** Questions at the same time, and those of one operator; more are not answered. */
  questions: 16,
  questionsOfOne: 4,
  /** Milliseconds for one. */
  patienceMs: 3_000,
  /** Milliseconds without a question after which the thread ends. */
  idleMs: 300_000,
} as const;

export interface Asked {
  readonly id: number;
  readonly question: HistoryQuestion;
}

export interface Answered {
  readonly id: number;
  readonly history?: CallHistory;
  readonly problem?: string;
}

export interface HistoryDesk {
  readonly ask: AskHistory;
  close(): Promise<void>;
}

interface Waiter {
  readonly asker: string;
  readonly answer: (history: CallHistory | undefined) => void;
}

/** `onProblem`: told of what cannot be read. The thread starts with the first question. */
export function historyDesk(start: IndexStart, onProblem: (problem: string) => void): HistoryDesk {
  const waiting = new Map<number, Waiter>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last = 0;

  const end = async (): Promise<void> => {
    clearTimeout(idle);
    const ended = worker;
    worker = undefined;
    for (const { answer } of waiting.values()) answer(undefined);
    waiting.clear();
    await ended?.terminate();
  };
  const begin = (): Worker => {
    const made = startThread('stages/record/history/thread', { workerData: start, name: 'sallyport-history' });
    made.unref();
    made.on('message', ({ id, history, problem }: Answered) => {
      if (problem !== undefined) onProblem(`the log cannot be searched: ${problem}`);
      waiting.get(id)?.answer(history);
    });
    // Whatever becomes of it, the page is shown without what it would have said.
    const gone = (): void => {
      if (worker === made) worker = undefined;
      for (const { answer } of waiting.values()) answer(undefined);
    };
    made.once('error', (error) => {
      onProblem(`the log cannot be searched: ${error.message}`);
      gone();
    });
    made.once('exit', gone);
    return made;
  };

  return {
    close: end,
    async ask(question) {
      const { asker } = question;
      const own = [...waiting.values()].filter((each) => each.asker === asker).length;
      if (waiting.size >= historyBounds.questions || own >= historyBounds.questionsOfOne) return undefined;
      worker ??= begin();
      clearTimeout(idle);
      idle = setTimeout(() => void end().catch(() => undefined), historyBounds.idleMs).unref();
      const id = ++last;
      const { promise, resolve } = Promise.withResolvers<CallHistory | undefined>();
      const timer = setTimeout(() => resolve(undefined), historyBounds.patienceMs);
      waiting.set(id, { asker, answer: resolve });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage({ id, question } satisfies Asked);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(id);
      }
    },
  };
}
