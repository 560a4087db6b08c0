/**
 * Long work in turns. Between two turns of the loop one piece of long work is done, for a caller or a server: with a piece of each the
 * loop would stand still for longer the more callers and servers have long work for it. For the same reason what begins in
 * one turn of the loop has the time of one piece together.
 */

/** Milliseconds of one piece. */
const maxTurnMs = 4;

export interface Turns {
  isOver(): boolean;
  /** Resolves when the others had their turn. */
  next(): Promise<void>;
}

export function turnsOf(): Turns {
  let until = sharedEnd();
  return {
    isOver: () => performance.now() > until,
    async next() {
      await nextTurn();
      until = performance.now() + maxTurnMs;
    },
  };
}

/** What the steps come to: at once where the time of this turn is enough for them. The first is done in any case. */
export function inTurns<Done>(steps: Iterator<undefined, Done>): Done | Promise<Done> {
  const first = steps.next();
  if (first.done === true) return first.value;
  const turns = turnsOf();
  if (turns.isOver()) return rest(steps, turns);
  const last = someOf(steps, turns);
  return last.done === true ? last.value : rest(steps, turns);
}

async function rest<Done>(steps: Iterator<undefined, Done>, turns: Turns): Promise<Done> {
  for (;;) {
    await turns.next();
    const last = someOf(steps, turns);
    if (last.done === true) return last.value;
  }
}

function someOf<Done>(steps: Iterator<undefined, Done>, turns: Turns): IteratorResult<undefined, Done> {
  let step = steps.next();
  while (step.done !== true && !turns.isOver()) step = steps.next();
  return step;
}

let endOfTurn: number | undefined;

/** Until when work may go on that begins in this turn of the loop. */
function sharedEnd(): number {
  if (endOfTurn === undefined) {
    endOfTurn = performance.now() + maxTurnMs;
    setImmediate(() => {
      endOfTurn = undefined;
    });
  }
  return endOfTurn;
}

/** Long work that waits for its turn, the longest first; each is bounded where it begins. */
const waiting: (() => void)[] = [];

/** Resolves when the loop has done what came meanwhile, and it is the turn of this work among all that is long. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(giveTurn);
  });
}

function giveTurn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(giveTurn);
}
