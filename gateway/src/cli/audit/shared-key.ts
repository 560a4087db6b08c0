/** Subjects that came when the log had as many as it takes. They share one key, so that none of them can be erased alone. */
import { shownInLine } from '../../protocol/shown.ts';
import { maxSubjects, sharedKey } from '../../stages/record/keys/subjects.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Failure, OpenLog } from './open.ts';

/** Records with this caller that are under the shared key. */
export function underSharedKey({ archive, index }: Pick<OpenLog, 'archive' | 'index'>, caller: string): number {
  const [kind = '', ...rest] = caller.split(':');
  if (kind !== 'user' && kind !== 'agent' && kind !== 'application') return 0;
  let count = 0;
  for (const subject of archive.subjects.pseudonymsOf(sharedKey))
    count += index.count({ words: { [kind]: rest.join(':'), subject } });
  return count;
}

export function notErasable(records: number, caller: string): Failure {
  return {
    code: exitCodes.no,
    problem: `${records} records with ${caller} cannot be erased: ${shared}`,
    remedy: `They go with their age: lower audit.retention, then sallyport audit retain. List them: sallyport audit search --caller ${caller}`,
  };
}

/** Looking for a subject finds what is under its own key. */
export function sayShared(context: Context, log: OpenLog, subject: string | undefined): void {
  const records = subject === undefined ? 0 : underSharedKey(log, subject);
  if (records > 0)
    context.err(
      shownInLine(
        `sallyport: ${log.name}: ${records} records with ${subject} are not among these: ${shared}; they are found with --caller ${subject}`,
      ),
    );
}

const shared = `the log had its ${maxSubjects.toLocaleString('en')} subjects when they came, and all further ones share one key`;
