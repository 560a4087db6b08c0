/** Answers commands that ask what callers have left: `limits show` and `explain`. */
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { LimitKey, LimitRule } from '../pipeline/contracts/limit.ts';
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
/** Keys of one limit that are looked at for it. */
const maxLooked = 10_000;

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
    const counted = server === undefined || !isKnown ? countedFor(rule, subject, limiter) : [];
    for (const key of new Set([...own, ...counted])) if (rows.length < maxRows) rows.push(rowOf(rule, key, limiter));
  }
  return rows;
}

/** Keys that are counted at the moment and are those of this caller, whatever its sessions, addresses and tools are. */
function countedFor(rule: LimitRule, subject: Subject, limiter: Limiter): readonly string[] {
  const parts = rule.per.map((part) => partPattern(part, subject));
  if (parts.includes(undefined)) return [];
  const whole = new RegExp(`^(?:${rule.per.length === 0 ? 'all' : parts.join(' ')})$`);
  const found = limiter.keysWith(rule, rule.per.some(isOfCaller) ? subject.caller.key : '', maxLooked);
  return found.filter((key) => whole.test(key)).slice(0, maxKeys);
}

function isOfCaller(part: LimitKey): boolean {
  return part === 'caller' || part === 'session';
}

/** `undefined`: the caller has no such part, and the rule does not count it. */
function partPattern(part: LimitKey, { caller, server, tool, tier, connection }: Subject): string | undefined {
  switch (part) {
    case 'user':
    case 'agent':
    case 'application':
      return caller[part] === undefined ? undefined : literal(`${part}:${caller[part]}`);
    case 'caller':
      return literal(caller.key);
    case 'role':
      return caller.roles.length === 0 ? undefined : `role:(?:${caller.roles.map(literal).join('|')})`;
    case 'session':
      return `${literal(caller.key)} [^ ]+`;
    case 'address':
      return '[^ ]+';
    case 'server':
      return server === undefined ? '[^ ]+' : literal(server);
    case 'tool':
      return server === undefined || tool === undefined ? '.+' : literal(`${server}/${tool}`);
    case 'tier':
      return tier ?? '[a-z]+';
    case 'connection':
      return connection === undefined ? '.+' : literal(connection);
  }
}

function literal(text: string): string {
  return text.replaceAll(/[^\w ]/g, '\\$&');
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
