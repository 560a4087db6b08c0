/**
 * What the data plane hands to the writer for one record: three texts. Everything that costs time, such as canonical
 * form, commitments, encryption and hashing, happens on the other side.
 */
import type { AuditEvent, ExchangeEnd, ExchangeFacts } from '../../pipeline/contracts/audit.ts';
import type { JsonObject } from '../../protocol/json.ts';

/** Who it is about. Roles, claims and scopes are not recorded: the revision and the rule say what they led to. */
export interface Who {
  readonly user?: string;
  readonly agent?: string;
  readonly application?: string;
  readonly credential?: { readonly kind: string; readonly id: string };
}

export type FactsHead = Omit<ExchangeFacts, 'caller' | 'arguments'> & { readonly who?: Who };

export type EndHead = Omit<ExchangeEnd, 'resultText'>;

export type NoteHead = Omit<AuditEvent, 'caller' | 'kind'> & {
  readonly kind: AuditEvent['kind'] | 'heartbeat' | 'lost' | 'clock' | 'subject-key-replaced';
  readonly who?: Who;
};

export type Head =
  | { readonly is: 'intent'; readonly facts: FactsHead }
  | { readonly is: 'outcome'; readonly id: string; readonly end: EndHead }
  | { readonly is: 'exchange'; readonly facts: FactsHead; readonly end: EndHead }
  | { readonly is: 'client-request'; readonly facts: FactsHead; readonly end: EndHead }
  | { readonly is: 'note'; readonly note: NoteHead };

/** Head as JSON, arguments as JSON, result as JSON; the last two may be empty. */
export interface Message {
  readonly head: string;
  readonly args: string;
  readonly result: string;
}

export function whoOf({ user, agent, application, credential }: Names): Who {
  return {
    ...(user === undefined ? {} : { user }),
    ...(agent === undefined ? {} : { agent }),
    ...(application === undefined ? {} : { application }),
    ...(credential === undefined ? {} : { credential: { kind: credential.kind, id: credential.id } }),
  };
}

type Names = NonNullable<AuditEvent['caller']>;

const whos = new WeakMap<Names, Who>();

function who(caller: Names): Who {
  const known = whos.get(caller);
  if (known !== undefined) return known;
  const made = whoOf(caller);
  whos.set(caller, made);
  return made;
}

/** Every member is named, as copying what is left of an object costs more than writing it. JSON leaves out `undefined`. */
function factsHead(facts: ExchangeFacts): {
  readonly [Name in keyof Required<FactsHead>]: FactsHead[Name] | undefined;
} {
  return {
    id: facts.id,
    at: facts.at,
    revision: facts.revision,
    direction: facts.direction,
    transport: facts.transport,
    era: facts.era,
    method: facts.method,
    address: facts.address,
    client: facts.client,
    session: facts.session,
    server: facts.server,
    connections: facts.connections,
    capability: facts.capability,
    asked: facts.asked,
    tier: facts.tier,
    definition: facts.definition,
    decision: facts.decision,
    cost: facts.cost,
    bytesIn: facts.bytesIn,
    who: facts.caller === undefined ? undefined : who(facts.caller),
  };
}

/** In the writer's words: `Head`. */
function headText(head: { readonly is: Head['is'] } & Readonly<Record<string, unknown>>): string {
  return JSON.stringify(head);
}

function endHead(end: ExchangeEnd): { readonly [Name in keyof Required<EndHead>]: EndHead[Name] | undefined } {
  return {
    at: end.at,
    outcome: end.outcome,
    reason: end.reason,
    cause: end.cause,
    detail: end.detail,
    error: end.error,
    latency: end.latency,
    bytesOut: end.bytesOut,
  };
}

function argumentsText(value: JsonObject | undefined): string {
  return value === undefined ? '' : JSON.stringify(value);
}

export function intentMessage(facts: ExchangeFacts): Message {
  return {
    head: headText({ is: 'intent', facts: factsHead(facts) }),
    args: argumentsText(facts.arguments),
    result: '',
  };
}

export function endMessage(facts: ExchangeFacts, end: ExchangeEnd, intended: boolean): Message {
  const { resultText = '' } = end;
  const head = intended
    ? headText({ is: 'outcome', id: facts.id, end: endHead(end) })
    : headText({ is: 'exchange', facts: factsHead(facts), end: endHead(end) });
  return { head, args: intended ? '' : argumentsText(facts.arguments), result: resultText };
}

export function askedMessage(facts: ExchangeFacts, end: ExchangeEnd): Message {
  return {
    head: headText({ is: 'client-request', facts: factsHead(facts), end: endHead(end) }),
    args: argumentsText(facts.arguments),
    result: end.resultText ?? '',
  };
}

export function noteMessage({ caller, ...note }: AuditEvent | (NoteHead & { caller?: Names })): Message {
  const head: Head = { is: 'note', note: caller === undefined ? note : { ...note, who: who(caller) } };
  return { head: JSON.stringify(head), args: '', result: '' };
}
