/** Long work in turns: others have theirs between them. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Milliseconds for which the loop stands still at once. */
const maxTurnMs = 4;

export interface Turns {
  isOver(): boolean;
  /** Resolves when the others had their turn. */
  next(): Promise<void>;
}

export function turnsOf(): Turns {
  let until = performance.now() + maxTurnMs;
  return {
    isOver: () => performance.now() > until,
    async next() {
      await nextTurn();
      until = performance.now() + maxTurnMs;
    },
  };
}
