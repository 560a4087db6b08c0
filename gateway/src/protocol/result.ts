/** Results that are values: an exception is a bug. */

/** What is wrong, and what to do about it: for the operator. */
export interface Failed {
  readonly ok: false;
  readonly problem: string;
  readonly remedy: string;
}

/** The words of something that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
