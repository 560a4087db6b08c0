/** What the commands `serve` and `stdio` say on a terminal. */
import { asTyped } from '../cli/invocation.ts';
import { shown } from '../protocol/shown.ts';

export function print(text: string): void {
  process.stdout.write(`${shown(text)}\n`);
}

/** For the operator, on stderr: what is wrong, where, and what to do. */
export function report(text: string): void {
  process.stderr.write(`${shown(asTyped(text))}\n`);
}
