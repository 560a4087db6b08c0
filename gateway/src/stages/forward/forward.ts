/**
 * Stages 10 and 11: the call goes to the server, and what comes back reaches the client through `deliver`. Input requests
 * of the server go to a legacy client at once and to a modern one as a result.
 */

import type { DeliveredRequests, InputRequests } from '../../pipeline/contracts/input-requests.ts';
import type { Origin } from '../../pipeline/contracts/inspector.ts';
import type { ClientRequest, InputRequired, OutboundCall, Step } from '../../pipeline/contracts/upstream.ts';
import { type Deliver, type Delivery, ownWords } from '../../pipeline/deliver.ts';
import type { Decided, Intended, Reply, Resolved } from '../../pipeline/exchange.ts';
import { InOrder } from '../../pipeline/in-order.ts';
import type { Inspect } from '../../pipeline/inspect.ts';
import { callFailureRefusal, failureRefusal, type Refusal } from '../../pipeline/refusal.ts';
import type { Standing } from '../../pipeline/rights.ts';
import { withoutUrlPrompts } from '../../pipeline/url-prompt.ts';
import { toWire } from '../../pipeline/wire-error.ts';
import { adaptError, adaptResult, urlElicitations } from '../../protocol/bridge.ts';
import { offeredCapabilities } from '../../protocol/capabilities.ts';
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import { codes, type RpcError } from '../../protocol/jsonrpc.ts';
import { cleanServerMeta, metaKeys, metaOf } from '../../protocol/meta.ts';
import { clientRequests, logLevels } from '../../protocol/methods.ts';
import { isNumeric } from '../../protocol/numbers.ts';
import { saysNotFound, visibleCompletion } from './conceal.ts';
import { later } from './later.ts';
import { isShareable, type SharedCalls } from './shared-calls.ts';

export interface ForwardBounds {
  readonly result: number;
  readonly rounds: number;
  readonly parked: number;
}

/** What forwarding needs beside the exchange. */
export interface Forwarding {
  readonly inputRequests: InputRequests;
  readonly bounds: ForwardBounds;
  readonly standing: Standing;
  readonly deliver: Deliver;
  readonly inspect: Inspect;
  readonly sharedCalls: SharedCalls;
}

/** What a legacy client that never set a level is shown. */
const legacyLevel = 'info';
type AskingKind = 'elicitation' | 'sampling' | 'roots';
const none: OutboundCall['mirrored'] = [];

export async function forward(exchange: Intended, road: Forwarding): Promise<Reply> {
  if (exchange.method === 'resources/subscribe' || exchange.method === 'resources/unsubscribe') return watch(exchange);
  const { inputRequests, bounds, standing } = road;
  const told = new InOrder();
  const { resumption } = exchange;
  const taken = resumption?.kind === 'parked' ? inputRequests.take(resumption.id) : undefined;
  if (taken?.ok === false) return refused(taken.refusal);
  const parked = taken?.value;
  const call = outboundCall(exchange, road, told);
  let step: Step;
  if (parked !== undefined) step = later(await parked.answer(responsesOf(exchange), call));
  else if (resumption?.kind === 'state') {
    const { requestState: _sealed, ...params } = call.params;
    const { state } = resumption;
    step = await exchange.upstream.call({
      ...call,
      params: state === undefined ? params : { ...params, requestState: state },
    });
  } else if (isShareable(exchange, call)) step = await road.sharedCalls.call(exchange, call);
  else step = await exchange.upstream.call(call);
  for (let round = resumption?.round ?? 0; step.kind === 'input-required'; round++) {
    if (round >= bounds.rounds) {
      step.abandon();
      return refused({ reason: 'too-many-rounds', limit: bounds.rounds });
    }
    if (exchange.client.era === 'modern') return issue(exchange, step, road);
    const answers = await requestInput(exchange, step, road);
    const lost = standing.lost();
    if (lost !== undefined) {
      step.abandon();
      return refused({ reason: 'right-ended', sent: true, ...lost });
    }
    step = later(await step.answer(answers, call));
  }
  const waiting = told.over();
  if (waiting !== undefined) await waiting;
  const answer = reply(exchange, step, road);
  return answer instanceof Promise ? await answer : answer;
}

function refused(refusal: Refusal): Reply {
  return { kind: 'refused', refusal };
}

/** What the client gets in place of something that an inspector withholds. */
function withheld({ upstream }: Origin, { inspector, detail, guardrail }: Delivery<unknown> & { ok: false }): Reply {
  const { server } = upstream;
  const named = guardrail === undefined ? {} : { guardrail };
  return refused({ reason: 'content-withheld', server, ...named, detail: `${inspector}: ${detail}` });
}

/** The reply that is made of what was delivered. */
function made<Content>(
  origin: Origin,
  delivery: Delivery<Content> | Promise<Delivery<Content>>,
  make: (content: Extract<Delivery<Content>, { ok: true }>['content']) => Reply,
): Reply | Promise<Reply> {
  const conclude = (done: Delivery<Content>): Reply => (done.ok ? make(done.content) : withheld(origin, done));
  return delivery instanceof Promise ? delivery.then(conclude) : conclude(delivery);
}

function originOf(exchange: Decided): Origin {
  return { upstream: exchange.upstream, exchange };
}

function reply(exchange: Intended, step: Exclude<Step, InputRequired>, road: Forwarding): Reply | Promise<Reply> {
  const { era } = exchange.client;
  const { bounds, deliver } = road;
  const origin = originOf(exchange);
  switch (step.kind) {
    case 'result': {
      if (step.bytes > bounds.result) return refused({ reason: 'result-too-large', limit: bounds.result });
      const { source } = step;
      const { method } = exchange;
      const delivery = deliver({ kind: 'result', method, content: resultOf(exchange, step.result) }, origin);
      return made(origin, delivery, (result) => ({ kind: 'result', result, source }));
    }
    case 'error': {
      const asked = era === 'modern' ? urlElicitations(step.error) : undefined;
      if (asked !== undefined && mayVisit(exchange)) return issue(exchange, visit(asked), road);
      const isNotFound = saysNotFound(exchange, step.error.code);
      const content: RpcError = isNotFound ? step.error : adaptError(step.error, era, exchange.params.uri);
      return made(origin, deliver({ kind: 'error', content }, origin), (error) =>
        isNotFound
          ? { kind: 'error', error: ownWords(notFound(exchange)), said: { code: error.code, message: error.message } }
          : { kind: 'error', error },
      );
    }
    case 'failed':
      return refused(callFailureRefusal(exchange.upstream.server, step.failure, exchange.tool));
  }
}

/** What the client is told of a resource that the server does not have: the same as of one that is denied. */
function notFound({ params, client, id }: Decided): RpcError {
  const name = typeof params.uri === 'string' ? params.uri : '';
  return toWire(
    { reason: 'capability-unknown', what: 'resource', name, detail: '' },
    { era: client.era, reference: id },
  ).error;
}

function resultOf(exchange: Decided, result: JsonObject): JsonObject {
  const { method, client } = exchange;
  const adapted = adaptResult(result, method, client.era);
  return method === 'completion/complete' ? visibleCompletion(exchange, adapted) : adapted;
}

/** One subscription at the server serves every session that watches the resource. */
async function watch(exchange: Decided): Promise<Reply> {
  const { capability, client, upstream, method } = exchange;
  const facts = await upstream.facts();
  if ('failure' in facts) return { kind: 'refused', refusal: failureRefusal(upstream.server, facts.failure) };
  const { resources } = facts.capabilities;
  // As the server itself would say.
  if (!isObject(resources) || resources.subscribe !== true)
    return { kind: 'error', error: ownWords({ code: codes.methodNotFound, message: 'Method not found' }) };
  if (client.session === undefined || capability.type !== 'resource')
    return { kind: 'refused', refusal: { reason: 'bad-params', problem: 'Subscriptions need a session' } };
  if (method === 'resources/subscribe') {
    if (!client.session.watch(upstream.server, capability.uri))
      return {
        kind: 'refused',
        refusal: { reason: 'bad-params', problem: 'Too many resources are watched; unsubscribe from some first' },
      };
  } else client.session.unwatch(upstream.server, capability.uri);
  return { kind: 'result', result: ownWords<JsonObject>({}) };
}

function outboundCall(exchange: Decided, { deliver, standing }: Forwarding, told: InOrder): OutboundCall {
  const { caller, client, channel, grants } = exchange;
  const origin = originOf(exchange);
  const meta = metaOf(exchange.params);
  const token = meta.progressToken;
  const progress = typeof token === 'string' || isNumeric(token);
  const wanted = wantedLevelOf(exchange, meta);
  const level = wanted ?? (client.era === 'legacy' ? legacyLevel : undefined);
  return {
    method: exchange.method,
    caller: caller.key,
    params: withoutUrlPrompts(exchange.outbound),
    capabilities: offeredCapabilities(client.capabilities, grants.requests),
    logLevel: level,
    wantedLevel: wanted,
    progress,
    tier: exchange.tool?.tier,
    isSafe: exchange.tool?.isSafe,
    times: exchange.tool?.timeouts,
    mirrored: exchange.tool?.mirrored ?? none,
    cancellation: exchange.cancellation,
    onNotification: (method, params) => {
      const shown = notificationFor(method, params, token, level);
      if (shown === undefined) return;
      told.pass(deliver({ kind: 'notification', method, content: shown }, origin), (content) => {
        if (standing.lost() === undefined) channel.notify(method, content);
      });
    },
  };
}

function wantedLevelOf(exchange: Decided, meta: JsonObject): string | undefined {
  if (exchange.client.era === 'legacy') return exchange.client.session?.logLevel;
  const level = meta[metaKeys.logLevel];
  return typeof level === 'string' && logLevels.includes(level) ? level : undefined;
}

/** What may reach the client while its call goes on: the progress that it asked for, and log messages that it wants. */
function notificationFor(
  method: string,
  params: JsonObject,
  token: Json | undefined,
  level: string | undefined,
): JsonObject | undefined {
  const cleaned = cleanServerMeta(params);
  if (method === 'notifications/progress')
    return token === undefined ? undefined : { ...cleaned, progressToken: token };
  if (method !== 'notifications/message' || level === undefined) return undefined;
  const rank = typeof params.level === 'string' ? logLevels.indexOf(params.level) : -1;
  return rank >= logLevels.indexOf(level) ? cleaned : undefined;
}

function responsesOf({ outbound }: Resolved): Readonly<Record<string, Json>> {
  const { inputResponses } = outbound;
  return isObject(inputResponses) ? inputResponses : {};
}

/** Puts each request to a legacy client. What the policy does not let the server ask is refused here once more. */
async function requestInput(
  exchange: Decided,
  inputRequired: InputRequired,
  road: Forwarding,
): Promise<Record<string, Json>> {
  const answers: Record<string, Json> = {};
  for (const [key, request] of Object.entries(inputRequired.requests)) {
    const kind = clientRequests.get(request.method);
    answers[key] = kind === undefined ? null : await requestOne(exchange, request, kind, road);
  }
  return answers;
}

async function requestOne(
  exchange: Decided,
  { method, params }: ClientRequest,
  kind: AskingKind,
  { deliver, inspect, standing }: Forwarding,
): Promise<Json> {
  if (exchange.grants.requests[kind] === 'deny' || standing.lost() !== undefined) return null;
  if (exchange.channel.requestInput === undefined) return null;
  const shown = await deliver({ kind: 'input-request', method, content: params }, originOf(exchange));
  if (!shown.ok) return refusedAnswer(kind);
  const asked = await exchange.channel.requestInput(method, shown.content);
  if (!asked.ok) return refusedAnswer(kind);
  const passed = await inspect({ kind: 'answer', method, content: asked.result }, exchange);
  return passed.ok ? passed.content : refusedAnswer(kind);
}

/** A modern server has no error to read from a client that cannot answer; declining is what elicitation has for it. */
function refusedAnswer(kind: AskingKind): Json {
  return kind === 'elicitation' ? { action: 'cancel' } : null;
}

function mayVisit(exchange: Decided): boolean {
  const offered = offeredCapabilities(exchange.client.capabilities, exchange.grants.requests);
  return isObject(offered.elicitation) && isObject(offered.elicitation.url);
}

const answeredTwice: Step = { kind: 'failed', failure: { kind: 'misbehaved', detail: 'asked after it had failed' } };

/** Puts the input requests of a server to a modern client, as a result. */
async function issue(exchange: Decided, inputRequired: InputRequired, road: Forwarding): Promise<Reply> {
  const origin = originOf(exchange);
  const requests: Record<string, DeliveredRequests[string]> = {};
  for (const [key, { method, params }] of Object.entries(inputRequired.requests)) {
    const delivery = await road.deliver({ kind: 'input-request', method, content: params }, origin);
    const named = await road.deliver({ kind: 'input-request', method, content: { key } }, origin);
    const passed = delivery.ok && named.ok && named.content.key === key;
    if (!passed) {
      inputRequired.abandon();
      if (!delivery.ok) return withheld(origin, delivery);
      // The key has to come back as the server wrote it, so it cannot be changed.
      return withheld(origin, named.ok ? { ok: false, inspector: 'key', detail: 'was changed' } : named);
    }
    requests[key] = { method, params: delivery.content };
  }
  const result = road.inputRequests.issue(exchange, inputRequired, requests, road.bounds.parked);
  return result.ok ? { kind: 'result', result: result.value } : refused(result.refusal);
}

/** The error of a legacy server that wants a page visited first, as an input request; the retry simply calls again. */
function visit(asked: readonly JsonObject[]): InputRequired {
  return {
    kind: 'input-required',
    requests: Object.fromEntries(
      asked.map(({ elicitationId: _id, ...params }, index) => [
        `visit-${index + 1}`,
        { method: 'elicitation/create', params: { ...params, mode: 'url' } },
      ]),
    ),
    resume: { kind: 'anew' },
    answer: () => Promise.resolve(answeredTwice),
    detach: () => {},
    abandon: () => {},
  };
}
