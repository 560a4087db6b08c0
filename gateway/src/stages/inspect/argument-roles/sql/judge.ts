/** Judges one text under the role `sql`. It runs in the inspection thread: no parser here promises an end. */
import type { SqlRole } from '../../../../pipeline/contracts/argument-roles.ts';
import { parseOther } from './other.ts';
import { parsePostgresql } from './postgresql.ts';
import { problemOf } from './statement.ts';

/** Why the statement must not be sent; `undefined` when it may. Rejects where the parser is not installed. */
export async function sqlProblem(text: string, role: SqlRole): Promise<string | undefined> {
  const { dialect } = role;
  // Some readers end a text there, and others drop it.
  if (text.includes('\0')) return 'must hold no NUL';
  const parsed = dialect === 'postgresql' ? await parsePostgresql(text) : parseOther(text, dialect);
  return problemOf(parsed, role);
}
