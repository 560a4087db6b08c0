/** Work on files in steps, each of which can be done here and now or beside this thread. */
export interface Step {
  /** Throws when the disk does. */
  readonly now: () => void;
  /** The same while this thread does something else. */
  readonly beside: () => Promise<void>;
}

export type Steps<Result> = Generator<Step, Result>;

export function doneNow<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
    next.value.now();
  }
}

export async function doneBeside<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
    await next.value.beside();
  }
}
