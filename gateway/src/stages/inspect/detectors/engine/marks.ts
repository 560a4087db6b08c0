/** What redaction leaves in the place of a value. */
import type { DetectorSet } from './compile.ts';

const markStart = '[redacted: ';
const maxMark = 80;

/** Whether an offset lies in what redaction left: the names of classes are words that matchers look for. */
export function isInMark({ classes }: Pick<DetectorSet, 'classes'>, text: string, at: number): boolean {
  const around = text.slice(Math.max(0, at - maxMark), at + maxMark);
  const from = around.lastIndexOf(markStart, Math.min(at, maxMark));
  if (from < 0) return false;
  const to = around.indexOf(']', from);
  return to >= Math.min(at, maxMark) && classes.has(around.slice(from + markStart.length, to));
}
