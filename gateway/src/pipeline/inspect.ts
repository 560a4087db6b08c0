/** Stage 7: what a client sends passes every inspector before a server gets it. */

import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { endToEndMeta, metaOf } from '../protocol/meta.ts';
import type { ContentHold, InboundVerdict, Inspector, Seen, Sent } from './contracts/inspector.ts';
import { argumentsOf } from './decide.ts';
import type { Decided, Inspected } from './exchange.ts';
import { pass, type Refusal } from './refusal.ts';

/** What passed, and whether an inspector changed it. */
export type Passed = { readonly ok: true; readonly content: JsonObject; readonly hold?: ContentHold } | RefusedContent;

export interface RefusedContent {
  readonly ok: false;
  readonly refusal: Refusal;
  /** What the record may keep of it; all of it where this is absent. */
  readonly keep?: JsonObject;
}

/** Answers at once unless an inspector takes its time. */
export type Inspect = (sent: Sent, exchange: Seen) => Passed | Promise<Passed>;

/** The inspectors work in their order, each on what the one before it left. */
export function inspectThrough(inspectors: readonly Inspector[]): Inspect {
  const inbound = inspectors.filter((inspector) => inspector.inbound !== undefined);

  function from(first: Begun, exchange: Seen): Passed | Promise<Passed> {
    let state: Begun = first;
    const refusedWith = (verdict: Parameters<typeof refusedBy>[0]): RefusedContent => {
      const keep = verdict.keep ?? state.hold?.keep ?? state.guarded;
      return refusedBy(keep === undefined ? verdict : { ...verdict, keep });
    };
    for (let { index } = first; index < inbound.length; index++) {
      const verdict = inbound[index]?.inbound?.(state.sent, exchange);
      if (verdict === undefined) continue;
      if (verdict instanceof Promise)
        return verdict.then((late) => {
          if (late !== undefined && 'refuse' in late) return refusedWith(late);
          return from({ ...after(late, state), index: index + 1 }, exchange);
        });
      if ('refuse' in verdict) return refusedWith(verdict);
      state = after(verdict, state);
    }
    const { sent: last, hold } = state;
    if (hold === undefined) return { ok: true, content: last.content };
    if (last.kind === 'arguments') return { ok: true, content: last.content, hold };
    // Nothing waits with an answer to an input request: it is given again.
    const { keep, ...found } = hold;
    return refusedBy({ refuse: { reason: 'content-held', ...found }, keep });
  }
  return (sent, exchange) => from({ index: 0, sent, hold: undefined, guarded: undefined }, exchange);
}

interface Begun {
  /** Of the inspector whose turn it is. */
  readonly index: number;
  readonly sent: Sent;
  readonly hold: ContentHold | undefined;
  /** What the first inspector that changed something left: guardrails come first, and what they took out is kept nowhere. */
  readonly guarded: JsonObject | undefined;
}

/** What a verdict that refuses nothing leaves. */
function after(verdict: Exclude<InboundVerdict, { readonly refuse: Refusal }>, state: Begun): Begun {
  if (verdict === undefined) return state;
  const { sent, hold, guarded, index } = state;
  const isChanged = verdict.change !== sent.content;
  return {
    index,
    sent: isChanged ? { ...sent, content: verdict.change } : sent,
    hold: hold ?? ('hold' in verdict ? verdict.hold : undefined),
    guarded: guarded ?? (isChanged ? verdict.change : undefined),
  };
}

function refusedBy({
  refuse: refusal,
  keep,
}: {
  readonly refuse: Refusal;
  readonly keep?: JsonObject;
}): RefusedContent {
  return keep === undefined ? { ok: false, refusal } : { ok: false, refusal, keep };
}

const none: JsonObject = {};

export type InspectedArguments = { readonly ok: true; readonly value: Inspected } | RefusedContent;

/**
 * The exchange with what the inspectors leave of its arguments, of the argument that it completes, or of its URI. Another
 * exchange: it is to be decided anew.
 */
export function inspectArguments(
  exchange: Decided,
  inspect: Inspect,
): InspectedArguments | Promise<InspectedArguments> {
  const content = sentBy(exchange);
  const passed = inspect({ kind: 'arguments', content }, exchange);
  const conclude = (result: Passed): InspectedArguments | Promise<InspectedArguments> => {
    if (!result.ok) return result;
    const held = result.hold === undefined ? exchange : { ...exchange, heldBy: result.hold };
    if (result.content === content) return inspectMeta(held, inspect);
    // A URI without a part of it is another one, which was not asked for.
    if (exchange.capability.type === 'resource') return refusedBy({ refuse: changedUri });
    return inspectMeta(withArguments(held, result.content), inspect);
  };
  return passed instanceof Promise ? passed.then(conclude) : conclude(passed);
}

/** What the client says to the server beside the arguments. Most calls have nothing of it. */
function inspectMeta(exchange: Decided, inspect: Inspect): InspectedArguments | Promise<InspectedArguments> {
  const { _meta } = exchange.params;
  const meta = isObject(_meta) ? endToEndMeta(_meta) : undefined;
  if (meta === undefined) return inspectAnswers(exchange, inspect);
  const passed = inspect({ kind: 'meta', content: meta }, exchange);
  const conclude = (result: Passed): InspectedArguments | Promise<InspectedArguments> => {
    if (!result.ok) return keeping(exchange, result.refusal);
    const left = result.content === meta ? exchange : withMeta(exchange, meta, result.content);
    return inspectAnswers(left, inspect);
  };
  return passed instanceof Promise ? passed.then(conclude) : conclude(passed);
}

/** The record keeps what the inspectors left of the arguments. */
function keeping(exchange: Decided, refusal: Refusal): RefusedContent {
  return { ok: false, refusal, keep: sentBy(exchange) };
}

/** What the client answers to input requests. Most calls answer none. */
function inspectAnswers(exchange: Decided, inspect: Inspect): InspectedArguments | Promise<InspectedArguments> {
  const { inputResponses } = exchange.params;
  return isObject(inputResponses) ? withAnswers(exchange, inputResponses, inspect) : pass(exchange as Inspected);
}

async function withAnswers(exchange: Decided, responses: JsonObject, inspect: Inspect): Promise<InspectedArguments> {
  const left: (readonly [string, Json])[] = [];
  const { method } = exchange;
  for (const [key, answer] of Object.entries(responses)) {
    if (!isObject(answer)) return keeping(exchange, badAnswer('Each of inputResponses must be an object'));
    const passed = await inspect({ kind: 'answer', method, content: answer }, exchange);
    if (!passed.ok) return keeping(exchange, passed.refusal);
    // The client chose the key as well.
    const named = await inspect({ kind: 'answer', method, content: { [key]: '' } }, exchange);
    if (!named.ok) return keeping(exchange, named.refusal);
    if (!Object.hasOwn(named.content, key))
      return keeping(exchange, badAnswer('A key of inputResponses holds what must not be sent'));
    left.push([key, passed.content]);
  }
  const inputResponses: JsonObject = Object.fromEntries(left);
  const { params, outbound } = exchange;
  const answered: Decided = {
    ...exchange,
    params: { ...params, inputResponses },
    outbound: { ...outbound, inputResponses },
  };
  return pass(answered as Inspected);
}

function badAnswer(problem: string): Refusal {
  return { reason: 'bad-params', problem };
}

function withMeta(exchange: Decided, before: JsonObject, now: JsonObject): Decided {
  const kept = Object.entries(metaOf(exchange.params)).filter(([name]) => !Object.hasOwn(before, name));
  const _meta: JsonObject = { ...Object.fromEntries(kept), ...now };
  return { ...exchange, params: { ...exchange.params, _meta }, outbound: { ...exchange.outbound, _meta } };
}

const changedUri = {
  reason: 'content-blocked',
  guardrail: 'of this connection',
  what: 'what must not stand in a URI',
  detail: 'an inspector changed the URI',
} as const;

function sentBy(exchange: Decided): JsonObject {
  const { capability, method, params } = exchange;
  if (capability.type === 'resource') return { uri: capability.uri };
  return method === 'completion/complete' ? completed(params) : (argumentsOf(exchange) ?? none);
}

function completed({ argument, context }: JsonObject): JsonObject {
  return { ...(argument !== undefined && { argument }), ...(context !== undefined && { context }) };
}

/** What is decided on, forwarded and recorded is the same: what the inspectors left. */
export function withArguments(exchange: Decided, content: JsonObject): Decided {
  if (exchange.capability.type === 'resource') return exchange;
  const members = exchange.method === 'completion/complete' ? completed(content) : { arguments: content };
  return {
    ...exchange,
    params: { ...exchange.params, ...members },
    outbound: { ...exchange.outbound, ...members },
  };
}
