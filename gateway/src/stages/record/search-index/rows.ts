/** One row of the index: an exchange with its outcome, or another record. */
import type { Database } from '../../../stores/sqlite/driver.ts';
import type { About, PublicPart } from '../read/archive.ts';
import type { Stretches } from './stretches.ts';
import type { Words } from './words.ts';

/** A row before it is in the table. */
export interface Row {
  readonly seq: number;
  readonly fields: PublicPart;
  readonly about: About | undefined;
  outcome: number | null;
  reason: number | null;
  outcomeSeq: number | null;
}

type StatementOf = (sql: string) => ReturnType<Database['prepare']>;

/** Where a row goes. */
export interface RowTarget {
  readonly statement: StatementOf;
  readonly words: Words;
  readonly stretches: Stretches;
}

export function insertRow({ statement, words, stretches }: RowTarget, row: Row): void {
  const { seq, fields, about, outcome, reason, outcomeSeq } = row;
  const time = fields.time ?? fields.written;
  const known = [
    words.add('kind', fields.kind),
    words.add('subject', fields.subject),
    words.add('user', about?.user),
    words.add('agent', about?.agent),
    words.add('application', about?.application),
    words.add('server', fields.server),
    words.add('capability', capabilityOf(fields)),
    words.add('method', fields.method),
    words.add('effect', fields.decision?.effect),
    words.add('rule', fields.decision?.place),
    outcome,
    reason,
  ];
  statement(
    `INSERT INTO records (kind, subject, user, agent, application, server, capability, method, effect, rule,
         outcome, reason, seq, time, id, outcome_seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(...known, seq, time, fields.id ?? null, outcomeSeq);
  stretches.add({ seq, time, id: fields.id }, known);
}

export function capabilityOf({ capability }: PublicPart): string | undefined {
  return capability?.name ?? capability?.template ?? capability?.type;
}
