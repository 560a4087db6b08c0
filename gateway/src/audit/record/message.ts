/**
 * What the data plane hands to the writer for one record: three texts. Everything that costs time, such as canonical
 * form, commitments, encryption and hashing, happens on the other side.
 */
import type { AuditEvent, ExchangeEnd, ExchangeFacts } from '../../pipeline/record.ts';
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
  readonly kind: AuditEvent['kind'] | 'heartbeat' | 'lost' | 'clock';
  readonly who?: Who;
};

export type Head =
  | { readonly is: 'intent'; readonly facts: FactsHead }
  | { readonly is: 'outcome'; readonly id: string; readonly end: EndHead }
  | { readonly is: 'exchange'; readonly facts: FactsHead; readonly end: EndHead }
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

function factsHead(facts: ExchangeFacts): FactsHead {
  const { caller, arguments: _arguments, ...head } = facts;
  return caller === undefined ? head : { ...head, who: who(caller) };
}

function argumentsText(value: JsonObject | undefined): string {
  return value === undefined ? '' : JSON.stringify(value);
}

export function intentMessage(facts: ExchangeFacts): Message {
  const head: Head = { is: 'intent', facts: factsHead(facts) };
  return { head: JSON.stringify(head), args: argumentsText(facts.arguments), result: '' };
}

export function endMessage(facts: ExchangeFacts, end: ExchangeEnd, intended: boolean): Message {
  const { resultText = '', ...rest } = end;
  const head: Head = intended
    ? { is: 'outcome', id: facts.id, end: rest }
    : { is: 'exchange', facts: factsHead(facts), end: rest };
  return { head: JSON.stringify(head), args: intended ? '' : argumentsText(facts.arguments), result: resultText };
}

export function noteMessage({ caller, ...note }: AuditEvent | (NoteHead & { caller?: Names })): Message {
  const head: Head = { is: 'note', note: caller === undefined ? note : { ...note, who: who(caller) } };
  return { head: JSON.stringify(head), args: '', result: '' };
}
