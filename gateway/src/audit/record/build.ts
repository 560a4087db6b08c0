/** From a message of the data plane to a record: what is public, what is private, and which subject it has. */
import { clientRequests, operationOf } from '../../protocol/methods.ts';
import type { Capture } from '../settings.ts';
import type { Plain, PlainObject } from './canonical.ts';
import type { EndHead, FactsHead, Head, Message, NoteHead, Who } from './message.ts';
import { redacted } from './redact.ts';

/** What a record says in public, whatever its kind. Sorted by name, as its canonical form is. */
export interface PublicPart {
  readonly bytesIn?: number | undefined;
  readonly bytesOut?: number | undefined;
  readonly capability?: PlainObject | undefined;
  readonly capture?: Capture | undefined;
  readonly cause?: string | undefined;
  readonly code?: number | undefined;
  readonly connections?: readonly string[] | undefined;
  readonly cost?: string | undefined;
  readonly decision?: PlainObject | undefined;
  readonly definition?: string | undefined;
  readonly detail?: Plain | undefined;
  readonly direction?: string | undefined;
  readonly ended?: number | undefined;
  readonly era?: string | undefined;
  readonly id?: string | undefined;
  readonly kind: string;
  readonly latency?: number | undefined;
  readonly method?: string | undefined;
  readonly outcome?: string | undefined;
  /** The record of the intent. */
  readonly parent?: number | undefined;
  readonly reason?: string | undefined;
  readonly revision?: string | undefined;
  readonly server?: string | undefined;
  readonly session?: string | undefined;
  readonly tier?: string | undefined;
  readonly time?: number | undefined;
  readonly transport?: string | undefined;
}

/** A record before it has a place in the log. */
export interface Draft {
  /** Whose key encrypts the private part. */
  readonly subject: string;
  readonly public: PublicPart;
  /** JSON. */
  readonly about: string;
  /** The texts as they were, which the commitments are about. */
  readonly args: string;
  readonly result: string;
  /** The texts that are kept, encrypted. */
  readonly kept: { readonly args: string; readonly result: string };
}

/** What an outcome needs of the intent before it. */
export interface OpenIntent {
  readonly seq: number;
  readonly subject: string;
  readonly server: string | undefined;
  readonly method: string;
  readonly tier: FactsHead['tier'];
  readonly connections: readonly string[];
  /** The subject was erased meanwhile: what the call led to is not kept. */
  readonly erased?: true;
}

/** The subject of records without a known caller. */
export const unknownSubject = 'unknown';

const maxTextLength = 512;
const maxListLength = 32;

/** The subject of a record: the person if there is one, else the agent, else the application. */
export function subjectOf(who: Who | undefined): string {
  if (who?.user !== undefined) return `user:${who.user}`;
  if (who?.agent !== undefined) return `agent:${who.agent}`;
  if (who?.application !== undefined) return `application:${who.application}`;
  return unknownSubject;
}

export interface CaptureRule {
  of(tier: FactsHead['tier'], connections: readonly string[]): Capture;
  /** Longest text that is kept of arguments or a result, in characters. */
  readonly limit: number;
}

export function draftOf(message: Message, open: (id: string) => OpenIntent | undefined, capture: CaptureRule): Draft {
  const head = JSON.parse(message.head) as Head;
  switch (head.is) {
    case 'note':
      return noteDraft(head.note);
    case 'intent':
      return finish(message, capture, head.facts, {
        public: { kind: 'intent', ...factsPublic(head.facts) },
        about: factsAbout(head.facts),
      });
    case 'exchange':
      return finish(message, capture, head.facts, {
        public: { kind: 'exchange', ...factsPublic(head.facts), ...endPublic(head.end) },
        about: { ...factsAbout(head.facts), ...endAbout(head.end) },
      });
    case 'client-request': {
      const { facts, end } = head;
      const answered = end.outcome === 'answered';
      return finish(message, capture, facts, {
        public: { kind: 'client-request', ...factsPublic(facts), ...endPublic(end), detail: { answered } },
        about: { ...factsAbout(facts), ...endAbout(end) },
      });
    }
    case 'outcome': {
      const intent = open(head.id);
      const kept = capture.of(intent?.tier, intent?.connections ?? []);
      const result = intent?.erased === true ? '' : message.result;
      return {
        subject: intent?.subject ?? unknownSubject,
        public: {
          kind: 'outcome',
          id: head.id,
          parent: intent?.seq,
          server: intent?.server,
          method: intent?.method,
          tier: intent?.tier,
          capture: kept,
          time: head.end.at,
          ...endPublic(head.end),
        },
        about: intent?.erased === true ? '' : aboutText(endAbout(head.end)),
        args: '',
        result,
        kept: { args: '', result: keep(result, kept, capture.limit) },
      };
    }
  }
}

/** The outcome of an intent whose end was not seen. */
export const unknown = 'unknown';

/** The record of that outcome. `time` in milliseconds. */
export function unknownOutcome(id: string, { seq, subject, server, method, tier }: OpenIntent, time: number): Draft {
  const facts = { kind: 'outcome', outcome: unknown, id, parent: seq, server, method, tier, time };
  return { subject, public: facts, about: '', args: '', result: '', kept: { args: '', result: '' } };
}

function finish(
  { args, result }: Message,
  rule: CaptureRule,
  facts: FactsHead,
  { public: fields, about }: { public: PublicPart; about: object },
): Draft {
  const capture = rule.of(facts.tier, facts.connections ?? []);
  return {
    subject: subjectOf(facts.who),
    public: { ...fields, capture },
    about: aboutText(about),
    args,
    result,
    kept: { args: keep(args, capture, rule.limit), result: keep(result, capture, rule.limit) },
  };
}

function aboutText(about: object): string {
  const text = JSON.stringify(about);
  return text === '{}' ? '' : text;
}

function keep(text: string, capture: Capture, limit: number): string {
  if (capture === 'digest' || text === '') return '';
  const kept = capture === 'redacted' ? redacted(text) : text;
  return kept.length <= limit ? kept : `${kept.slice(0, limit)}\n[cut after ${limit} of ${kept.length} characters]`;
}

/** Nothing here was chosen freely by a client: names come from the configuration and from catalogues. */
function factsPublic(facts: FactsHead): Omit<PublicPart, 'kind'> {
  const { capability, decision } = facts;
  // Before a connection was found, server and method are only what the client says.
  const known = facts.connections !== undefined;
  return {
    id: facts.id,
    time: facts.at,
    revision: facts.revision,
    direction: facts.direction,
    transport: facts.transport,
    era: facts.era,
    method: methodOf(facts),
    server: known ? facts.server : undefined,
    connections: facts.connections?.slice(0, maxListLength),
    tier: facts.tier,
    definition: facts.definition,
    session: facts.session,
    bytesIn: facts.bytesIn,
    cost: facts.cost === undefined ? undefined : String(facts.cost),
    capability:
      capability === undefined
        ? undefined
        : {
            // A URI may name a person; a tool, prompt or template is what the server lists.
            name: 'name' in capability ? cut(capability.name) : undefined,
            template: 'uriTemplate' in capability ? cut(capability.uriTemplate) : undefined,
            type: capability.type,
          },
    decision:
      decision === undefined
        ? undefined
        : {
            connection: decision.rule?.connection,
            effect: decision.effect,
            errors: decision.errors.length === 0 ? undefined : decision.errors.length,
            observed: decision.observed,
            place: decision.rule === undefined ? undefined : cut(decision.rule.place),
            reason: decision.reason,
          },
  };
}

function methodOf({ direction, era, method }: FactsHead): string {
  const known = direction === 'server-to-client' ? clientRequests.has(method) : operationOf(era, method) !== undefined;
  return known ? method : 'other';
}

function factsAbout(facts: FactsHead): object {
  const { who, address, client, capability, asked, decision } = facts;
  return {
    ...who,
    address,
    client,
    method: methodOf(facts) === 'other' ? cut(facts.method) : undefined,
    server: facts.connections === undefined ? cut(facts.server ?? '') || undefined : undefined,
    // A name that only the client knows is free text.
    asked: capability === undefined && asked !== undefined ? cut(asked) : undefined,
    uri: capability !== undefined && 'uri' in capability ? capability.uri : undefined,
    rule: decision?.rule?.text,
    errors:
      decision === undefined || decision.errors.length === 0 ? undefined : decision.errors.slice(0, maxListLength),
  };
}

function endPublic({ outcome, reason, cause, error, latency, bytesOut, at }: EndHead): Omit<PublicPart, 'kind'> {
  return { outcome, reason, cause, code: error?.code, latency, bytesOut, ended: at };
}

function endAbout({ detail, error }: EndHead): object {
  return { detail, error: error?.message };
}

function noteDraft({ kind, at, who, address, server, detail, problem }: NoteHead): Draft {
  const about = { ...who, address, detail: problem === undefined ? undefined : cut(problem) };
  return {
    subject: who === undefined ? 'gateway' : subjectOf(who),
    public: { kind, time: at, server, detail: plain(detail) },
    about: aboutText(about),
    args: '',
    result: '',
    kept: { args: '', result: '' },
  };
}

function cut(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}…`;
}

/** Any JSON as what public parts are made of: fractions become text, null is left out. */
export function plain(value: unknown): Plain {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : String(value);
  if (Array.isArray(value)) return value.slice(0, 1_000).map(plain);
  if (typeof value !== 'object' || value === null) return '';
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null && member !== undefined)
      .map(([name, member]) => [name, plain(member)]),
  );
}
