/**
 * What the data plane hands to the writer for one record: texts that are written once and go to the disk as they are.
 * What costs time, such as commitments, encryption and hashing, happens on the other side.
 */
import type { AuditEvent, ExchangeEnd, ExchangeFacts } from '../../../pipeline/contracts/audit.ts';
import { canonical } from '../../../protocol/canonical.ts';
import type { JsonObject } from '../../../protocol/json.ts';
import type { Capture, Tier } from '../settings.ts';
import { aboutText, endAbout, factsAbout, noteAbout } from './about.ts';
import { endPublic, factsPublic, type Members, membersOf, methodOf, plain } from './public.ts';
import { subjectOf, unknownSubject } from './subject.ts';

/** The kinds of records that exchanges have; the others are `NoteHead['kind']`. */
export type ExchangeKind = 'intent' | 'outcome' | 'exchange' | 'client-request';

export type NoteHead = Omit<AuditEvent, 'caller' | 'kind'> & {
  readonly kind: AuditEvent['kind'] | 'heartbeat' | 'lost' | 'clock' | 'subject-key-replaced';
  readonly caller?: AuditEvent['caller'];
};

export interface Message {
  readonly kind: string;
  /** Correlation id; empty when there is none. */
  readonly id: string;
  /** Whose key encrypts the private part. Of an outcome the writer takes the one of its intent. */
  readonly subject: string;
  /** What the writer must know of an intent to give it up; empty where there is none. */
  readonly tier: string;
  readonly method: string;
  readonly server: string;
  readonly outcome: string;
  readonly members: Members;
  /** JSON; empty texts are left out. */
  readonly about: string;
  readonly args: string;
  readonly result: string;
  /** What of arguments and result is kept, and how many characters of each at most. */
  readonly capture: Capture;
  readonly limit: number;
}

export interface CaptureRule {
  of(tier: Tier | undefined, connections: readonly string[]): Capture;
  /** Longest text that is kept of arguments or a result, in characters. */
  readonly limit: number;
}

/** Keeps arguments and results. */
const everything: CaptureRule = { of: () => 'full', limit: 65_536 };

function argumentsText(value: JsonObject | undefined): string {
  return value === undefined ? '' : JSON.stringify(value);
}

/** A record of the facts, and of the end where it has one. */
function factsMessage(kind: ExchangeKind, facts: ExchangeFacts, rule: CaptureRule, end?: ExchangeEnd): Message {
  const capture = rule.of(facts.tier, facts.connections ?? []);
  const known = factsPublic(facts);
  const checks = end?.checks === undefined ? known.checks : [...(known.checks ?? []), ...end.checks];
  const part = end === undefined ? { ...known, kind, capture } : { ...known, ...endPublic(end), checks, kind, capture };
  const detail = kind === 'client-request' ? { answered: end?.outcome === 'answered' } : undefined;
  return {
    kind,
    id: facts.id,
    subject: subjectOf(facts.caller),
    tier: facts.tier ?? '',
    method: known.method ?? '',
    server: known.server ?? '',
    outcome: end?.outcome ?? '',
    members: membersOf(detail === undefined ? part : { ...part, detail }),
    about: factsAbout(facts, end),
    args: argumentsText(facts.arguments),
    result: end?.resultText ?? '',
    capture,
    limit: rule.limit,
  };
}

export function intentMessage(facts: ExchangeFacts, rule: CaptureRule = everything): Message {
  return factsMessage('intent', facts, rule);
}

/** An exchange that had no intent. */
export function exchangeMessage(facts: ExchangeFacts, end: ExchangeEnd, rule: CaptureRule = everything): Message {
  return factsMessage('exchange', facts, rule, end);
}

/** The end of an exchange whose intent is in the log. */
export function outcomeMessage(facts: ExchangeFacts, end: ExchangeEnd, rule: CaptureRule = everything): Message {
  const capture = rule.of(facts.tier, facts.connections ?? []);
  const { id, tier, server } = facts;
  const method = methodOf(facts);
  return {
    kind: 'outcome',
    id,
    subject: '',
    tier: tier ?? '',
    method,
    server: server ?? '',
    outcome: end.outcome,
    members: membersOf({ ...endPublic(end), kind: 'outcome', id, server, method, tier, capture, time: end.at }),
    about: aboutText(endAbout(end)),
    args: '',
    result: end.resultText ?? '',
    capture,
    limit: rule.limit,
  };
}

export function askedMessage(facts: ExchangeFacts, end: ExchangeEnd, rule: CaptureRule = everything): Message {
  return factsMessage('client-request', facts, rule, end);
}

const textless = {
  id: '',
  tier: '',
  method: '',
  outcome: '',
  args: '',
  result: '',
  capture: 'digest',
  limit: 0,
} as const;

/** Longest text of what a person decided about: it is shown whole, so it is kept whole. In characters. */
const maxContent = 1_048_576;

export function noteMessage(
  { kind, at, caller, address, server, detail, problem, content }: NoteHead,
  rule: CaptureRule = everything,
): Message {
  const capture = content === undefined ? undefined : rule.of(content.tier, [content.connection]);
  return {
    ...textless,
    ...(capture !== undefined && { capture, args: canonical(content?.value), limit: maxContent }),
    kind,
    subject: caller === undefined ? 'gateway' : subjectOf(caller),
    server: server ?? '',
    members: membersOf({ kind, time: at, server, detail: plain(detail), ...(capture !== undefined && { capture }) }),
    about: noteAbout(caller, address, problem),
  };
}

/** The outcome of an intent whose end was not seen. */
export const unknown = 'unknown';

/** What is left of an intent in the record of its end. */
export interface GivenUp {
  readonly id: string;
  readonly server: string | undefined;
  readonly method: string;
  readonly tier: Tier | undefined;
}

/** The record of that outcome. `time` in milliseconds. */
export function unknownOutcome({ id, server, method, tier }: GivenUp, time: number): Message {
  return {
    ...textless,
    kind: 'outcome',
    id,
    subject: unknownSubject,
    outcome: unknown,
    tier: tier ?? '',
    method,
    server: server ?? '',
    members: membersOf({ kind: 'outcome', outcome: unknown, id, server, method, tier, time }),
    about: '',
  };
}
