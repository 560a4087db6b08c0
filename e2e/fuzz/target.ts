/** What the fuzzer knows of a target: how an input is made, and what is wrong after some inputs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from './random.ts';

export interface Subject extends AsyncDisposable {
  /** Gives it these inputs. A text says what it did that it must not do. */
  readonly attempt: (inputs: readonly Buffer[]) => Promise<string | undefined>;
  /** Milliseconds of the worst stall so far; absent where none is measured. */
  readonly worstMs?: () => number;
}

export interface Target {
  readonly name: string;
  /** Part of the time, relative to the other targets. */
  readonly weight: number;
  /** Inputs between two looks at the subject. */
  readonly batch: number;
  /** An input holds everything that is not the same at each start, so that a file repeats it. */
  readonly make: (random: Random) => Buffer;
  readonly open: () => Promise<Subject>;
}

/** No turn of a loop may take longer, in milliseconds. On machines that are not one's own `SALLYPORT_FUZZ_STALL_MS` says more. */
export const maxTurnMs = Number(process.env.SALLYPORT_FUZZ_STALL_MS ?? 100);

export function corpusLines(name: string): readonly string[] {
  return corpusText(name)
    .split('\n')
    .filter((line) => line !== '');
}

export function corpusText(name: string): string {
  return readFileSync(join(import.meta.dirname, 'corpus', name), 'utf8');
}
