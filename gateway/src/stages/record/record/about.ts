/** What a record says in private, beside arguments and result: who called from where, and what only the operator may know. */

import type { ExchangeEnd, ExchangeFacts } from '../../../pipeline/contracts/audit.ts';
import type { Caller } from '../../../pipeline/contracts/caller.ts';
import { cut, maxListLength, methodOf } from './public.ts';
import { type Names, whoOf } from './subject.ts';

/** JSON; empty when there is nothing to say. */
export function aboutText(about: object): string {
  const text = JSON.stringify(about);
  return text === '{}' ? '' : text;
}

/** Of an exchange, and of its end where there is one already. */
export function factsAbout(facts: ExchangeFacts, end?: ExchangeEnd): string {
  const more = moreAbout(facts);
  const ended = end === undefined ? nothing : endAbout(end);
  if (facts.caller === undefined || more !== undefined || ended !== nothing)
    return aboutText({ ...plainAbout(facts), ...more, ...ended });
  return rememberedAbout(facts, facts.caller);
}

interface Remembered {
  readonly address: string | undefined;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly rule: string | undefined;
  readonly text: string;
}

/** What was said last about a caller: the next call mostly says the same. */
const remembered = new WeakMap<Caller, Remembered>();

function rememberedAbout(facts: ExchangeFacts, caller: Caller): string {
  const { address, client } = facts;
  const rule = facts.decision?.rule?.text;
  const last = remembered.get(caller);
  if (
    last !== undefined &&
    last.address === address &&
    last.rule === rule &&
    last.name === client?.name &&
    last.version === client?.version
  )
    return last.text;
  const text = aboutText(plainAbout(facts));
  remembered.set(caller, { address, name: client?.name, version: client?.version, rule, text });
  return text;
}

function plainAbout({ caller, address, client, decision }: ExchangeFacts): object {
  const who = caller === undefined ? {} : whoOf(caller);
  const scopes = caller === undefined || caller.scopes.length === 0 ? undefined : listed(caller.scopes);
  return { ...who, scopes, address, client, rule: decision?.rule?.text };
}

function listed(texts: readonly string[]): readonly string[] {
  return texts.slice(0, maxListLength).map(cut);
}

/** What only few exchanges have; `undefined` for none of it. */
function moreAbout(facts: ExchangeFacts): object | undefined {
  const { capability, connections, asked, decision, server } = facts;
  const { audience, delegation, extensions } = facts;
  const isOther = methodOf(facts) === 'other';
  const isPlain =
    audience === undefined &&
    delegation === undefined &&
    extensions === undefined &&
    !isOther &&
    (connections !== undefined || server === undefined) &&
    (capability === undefined ? asked === undefined : !('uri' in capability)) &&
    (decision === undefined || decision.errors.length === 0);
  if (isPlain) return undefined;
  return {
    audience: audience === undefined ? undefined : cut(audience),
    delegation: delegation === undefined ? undefined : listed(delegation),
    // Names that the client made up.
    extensions:
      extensions === undefined
        ? undefined
        : { offered: listed(extensions.offered), dropped: listed(extensions.dropped) },
    method: isOther ? cut(facts.method) : undefined,
    server: connections === undefined ? cut(server ?? '') || undefined : undefined,
    // A name that only the client knows is free text.
    asked: capability === undefined && asked !== undefined ? cut(asked) : undefined,
    uri: capability !== undefined && 'uri' in capability ? capability.uri : undefined,
    errors:
      decision === undefined || decision.errors.length === 0 ? undefined : decision.errors.slice(0, maxListLength),
  };
}

const nothing = {};

export function endAbout({ detail, error }: ExchangeEnd): object {
  return detail === undefined && error === undefined ? nothing : { detail, error: error?.message };
}

export function noteAbout(caller: Names | undefined, address: string | undefined, problem: string | undefined): string {
  const detail = problem === undefined ? undefined : cut(problem);
  return aboutText({ ...(caller === undefined ? {} : whoOf(caller)), address, detail });
}
