/** Answers commands that ask what callers have left: `limits show` and `explain`. */
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { LimitRule } from '../pipeline/contracts/limit.ts';
import { unitOf } from '../stages/limits/limiter/amounts.ts';
import { keysOf, type Subject } from '../stages/limits/limiter/keys.ts';
import type { Limiter } from '../stages/limits/limiter/limiter.ts';
import { type LimitQuestion, type LimitRow, limitAddress, readQuestion } from '../state/limit-letters.ts';
import { type OpenMailbox, openMailbox } from '../state/mailbox.ts';
import type { DataPlane } from './data-plane.ts';

export interface LimitDesk {
  /** Answers what was asked since. Throws what the mailbox says. */
  look(): void;
  close(): void;
}

/** Rows of one answer, and of one limit in it. */
const maxRows = 500;
const maxKeys = 50;

export function limitDesk(plane: Pick<DataPlane, 'limiter' | 'snapshot'>, data: string): LimitDesk {
  let mailbox: OpenMailbox | undefined;
  return {
    look() {
      mailbox ??= openMailbox(data);
      for (const { id, text } of mailbox?.receive(limitAddress, Date.now()) ?? []) {
        const question = readQuestion(text);
        const rows = question === undefined ? [] : rowsFor(question, plane.snapshot.limits.all, plane.limiter);
        mailbox?.answer({ to: limitAddress, id, text: JSON.stringify(rows) }, Date.now());
      }
    },
    close: () => mailbox?.close(),
  };
}

function rowsFor(question: LimitQuestion, rules: readonly LimitRule[], limiter: Limiter): readonly LimitRow[] {
  const { caller: named, server, tool, tier, connections = [] } = question;
  const caller: Caller = {
    ...named,
    scopes: [],
    claims: {},
    attributes: {},
    trust: 'standard',
    credential: { kind: 'local', id: 'command-line' },
  };
  const subject: Subject = {
    caller,
    address: undefined,
    session: undefined,
    ...(server !== undefined && { server }),
    ...(tool !== undefined && { tool }),
    ...(tier !== undefined && { tier }),
    ...(connections[0] !== undefined && { connection: connections[0] }),
  };
  const rows: LimitRow[] = [];
  for (const rule of rules) {
    // Sessions and addresses of a caller are known only where something is counted.
    const isKnown = !rule.per.some((part) => part === 'session' || part === 'address');
    const own = isKnown ? keysOf(rule, subject) : [];
    const counted = server === undefined || !isKnown ? limiter.keysWith(rule, wordOf(rule, named.key), maxKeys) : [];
    for (const key of new Set([...own, ...counted])) if (rows.length < maxRows) rows.push(rowOf(rule, key, limiter));
  }
  return rows;
}

const naming = new Set(['user', 'agent', 'application', 'caller', 'session', 'role']);

/** What stands in the keys that concern a caller; of limits that name no caller, every key. */
function wordOf({ per }: LimitRule, callerKey: string): string {
  return per.some((part) => naming.has(part)) ? callerKey : '';
}

function rowOf(rule: LimitRule, key: string, limiter: Limiter): LimitRow {
  const { name, text, place, kind, isObserved } = rule;
  const { used, retryAt } = limiter.level(rule, key);
  const of = kind.is === 'rate' ? kind.burst : kind.limit;
  const unit = unitOf(rule);
  return {
    limit: name,
    is: text,
    ...(place !== undefined && { place }),
    key,
    used: used / unit,
    of: of / unit,
    isObserved,
    ...(retryAt !== undefined && { retryAfterSeconds: limiter.secondsUntil(rule, retryAt) }),
  };
}
