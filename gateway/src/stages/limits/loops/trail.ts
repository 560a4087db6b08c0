/** What one caller did last, and whether it goes round in circles. */

/** Longest cycle that is looked for, in calls. */
const longest = 4;
/** Times that a cycle is gone round before it is refused, and the calls that are remembered for it. */
export const refusedAt = 5;
const remembered = longest * refusedAt;
/** After a pause of so long it is no loop: milliseconds. */
const restMs = 60_000;
/** Failures of one tool in a row before the model is told, and before it is refused. */
const toldFailures = 8;
const refusedFailures = 16;

/** One call and what came of it, as digests. */
export interface Step {
  readonly call: number;
  readonly outcome: number;
  readonly tool: number;
  readonly failed: boolean;
}

export type Circle =
  /** The last `length` calls, and their outcomes, were the same `times` times in a row. */
  | { readonly kind: 'cycle'; readonly length: number; readonly times: number; readonly calls: readonly number[] }
  /** One tool failed so often in a row, whatever its arguments. */
  | { readonly kind: 'failures'; readonly times: number; readonly calls: readonly number[] };

export class Trail {
  /** The last steps, the oldest first. */
  #steps: Step[] = [];
  /** How often the tool that failed last did so in a row. */
  #failures = 0;
  #failing = 0;
  #at = 0;

  /** When its last step was, in milliseconds on the monotonic clock. */
  get at(): number {
    return this.#at;
  }

  add(step: Step, now: number): Circle | undefined {
    if (now - this.#at > restMs) {
      this.#steps = [];
      this.#failures = 0;
    }
    this.#at = now;
    this.#steps.push(step);
    if (this.#steps.length > remembered) this.#steps.shift();
    if (!step.failed) {
      if (step.tool === this.#failing) this.#failures = 0;
    } else if (step.tool === this.#failing) this.#failures++;
    else {
      this.#failing = step.tool;
      this.#failures = 1;
    }
    return this.#cycle() ?? this.#streak(step);
  }

  /** As if this call had not been made. */
  forget(call: number): void {
    this.#steps = this.#steps.filter((step) => step.call !== call);
  }

  #cycle(): Circle | undefined {
    const steps = this.#steps;
    for (let length = 1; length <= longest; length++) {
      let same = 0;
      for (let at = steps.length - 1; at >= length && isSame(steps[at], steps[at - length]); at--) same++;
      const times = Math.floor(same / length) + 1;
      if (times >= 3) return { kind: 'cycle', length, times, calls: steps.slice(-length).map(({ call }) => call) };
    }
    return undefined;
  }

  #streak({ failed, call }: Step): Circle | undefined {
    if (!failed || (this.#failures !== toldFailures && this.#failures < refusedFailures)) return undefined;
    return { kind: 'failures', times: this.#failures, calls: [call] };
  }
}

export function isToBeRefused({ kind, times }: Circle): boolean {
  return times >= (kind === 'cycle' ? refusedAt : refusedFailures);
}

function isSame(a: Step | undefined, b: Step | undefined): boolean {
  return a !== undefined && b !== undefined && a.call === b.call && a.outcome === b.outcome;
}
