/**
 * Stages 10 and 11: the call goes to the server, and what comes back is looked at before the client gets it. Questions
 * of the server go to a legacy client at once and to a modern one as a result; everything that a server sends meanwhile
 * passes here as well, as there is no second way out.
 */
import { adaptError, adaptResult, urlQuestions } from '../protocol/bridge.ts';
import { offeredCapabilities } from '../protocol/capabilities.ts';
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { codes } from '../protocol/jsonrpc.ts';
import { cleanServerMeta, metaKeys, metaOf } from '../protocol/meta.ts';
import { clientRequests, logLevels } from '../protocol/methods.ts';
import { isNumeric } from '../protocol/numbers.ts';
import { saysNotFound, visibleCompletion } from './conceal.ts';
import type { Connected, Decided, Reply } from './exchange.ts';
import { withoutInvitation } from './invite.ts';
import type { Questions } from './questions.ts';
import { callFailureRefusal, failureRefusal, toWire } from './refusal.ts';
import type { Standing } from './rights.ts';
import type { OutboundCall, Question, Step } from './upstream.ts';

export interface ForwardBounds {
  readonly result: number;
  readonly rounds: number;
  readonly parked: number;
}

/** What a legacy client that never set a level is shown. */
const legacyLevel = 'info';
const none: OutboundCall['mirrored'] = [];

export async function forward(
  exchange: Decided,
  questions: Questions,
  bounds: ForwardBounds,
  standing: Standing,
): Promise<Reply> {
  if (exchange.method === 'resources/subscribe' || exchange.method === 'resources/unsubscribe') return watch(exchange);
  const call = outboundCall(exchange, standing);
  const resumed = questions.resume(exchange);
  if (!resumed.ok) return { kind: 'refused', refusal: resumed.refusal };
  let step: Step;
  if (resumed.value.kind === 'parked') step = await resumed.value.question.answer(responsesOf(exchange), call);
  else if (resumed.value.kind === 'state') {
    const { requestState: _sealed, ...params } = call.params;
    const { state } = resumed.value;
    step = await exchange.link.call({
      ...call,
      params: state === undefined ? params : { ...params, requestState: state },
    });
  } else step = await exchange.link.call(call);
  for (let round = 0; step.kind === 'question'; round++) {
    if (exchange.client.era === 'modern') {
      const put = questions.put(exchange, step, bounds.parked);
      return put.ok ? { kind: 'result', result: put.value } : { kind: 'refused', refusal: put.refusal };
    }
    if (round >= bounds.rounds) {
      step.abandon();
      return { kind: 'refused', refusal: { reason: 'too-many-rounds', limit: bounds.rounds } };
    }
    const answers = await ask(exchange, step, standing);
    const lost = standing.lost();
    if (lost !== undefined) {
      step.abandon();
      return { kind: 'refused', refusal: { reason: 'right-ended', detail: lost } };
    }
    step = await step.answer(answers, call);
  }
  return reply(exchange, step, bounds, questions);
}

function reply(exchange: Decided, step: Exclude<Step, Question>, bounds: ForwardBounds, questions: Questions): Reply {
  const { era } = exchange.client;
  switch (step.kind) {
    case 'result':
      return step.bytes > bounds.result
        ? { kind: 'refused', refusal: { reason: 'result-too-large', limit: bounds.result } }
        : { kind: 'result', result: resultOf(exchange, step.result), source: step.source };
    case 'error': {
      const asked = era === 'modern' ? urlQuestions(step.error) : undefined;
      if (asked !== undefined && mayVisit(exchange)) return visit(exchange, asked, bounds, questions);
      if (saysNotFound(exchange, step.error.code)) {
        const { code, message } = step.error;
        const uri = typeof exchange.params.uri === 'string' ? exchange.params.uri : '';
        const { error } = toWire(
          { reason: 'capability-unknown', what: 'resource', name: uri, detail: '' },
          era,
          exchange.id,
        );
        return { kind: 'error', error, said: { code, message } };
      }
      return { kind: 'error', error: adaptError(step.error, era, exchange.params.uri) };
    }
    case 'failed':
      return {
        kind: 'refused',
        refusal: callFailureRefusal(exchange.link.server, step.failure, exchange.tool?.repeatable ?? true),
      };
  }
}

function resultOf(exchange: Decided, result: JsonObject): JsonObject {
  const { method, client } = exchange;
  const adapted = adaptResult(result, method, client.era);
  return method === 'completion/complete' ? visibleCompletion(exchange, adapted) : adapted;
}

/** One subscription at the server serves every session that watches the resource. */
async function watch(exchange: Decided): Promise<Reply> {
  const { capability, client, link, method } = exchange;
  const facts = await link.facts();
  if ('failure' in facts) return { kind: 'refused', refusal: failureRefusal(link.server, facts.failure) };
  const { resources } = facts.capabilities;
  // As the server itself would say.
  if (!isObject(resources) || resources.subscribe !== true)
    return { kind: 'error', error: { code: codes.methodNotFound, message: 'Method not found' } };
  if (client.session === undefined || capability.type !== 'resource')
    return { kind: 'refused', refusal: { reason: 'bad-params', problem: 'Subscriptions need a session' } };
  if (method === 'resources/subscribe') {
    if (!client.session.watch(link.server, capability.uri))
      return { kind: 'refused', refusal: { reason: 'bad-params', problem: 'The session watches too many resources' } };
  } else client.session.unwatch(link.server, capability.uri);
  return { kind: 'result', result: {} };
}

function outboundCall(exchange: Decided, standing: Standing): OutboundCall {
  const { client, channel, grants } = exchange;
  const meta = metaOf(exchange.params);
  const token = meta.progressToken;
  const progress = typeof token === 'string' || isNumeric(token);
  const wanted = wantedLevelOf(exchange, meta);
  const level = wanted ?? (client.era === 'legacy' ? legacyLevel : undefined);
  return {
    method: exchange.method,
    params: withoutInvitation(exchange.outbound),
    capabilities: offeredCapabilities(client.capabilities, grants.requests),
    logLevel: level,
    wantedLevel: wanted,
    progress,
    tier: exchange.tool?.tier,
    times: exchange.tool?.timeouts,
    mirrored: exchange.tool?.mirrored ?? none,
    cancellation: exchange.cancellation,
    onNotification: (method, params) => {
      const shown = notificationFor(method, params, token, level);
      if (shown !== undefined && standing.lost() === undefined) channel.notify(method, shown);
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

function responsesOf(exchange: Connected): Readonly<Record<string, Json>> {
  const { inputResponses } = exchange.params;
  return isObject(inputResponses) ? inputResponses : {};
}

/** Puts each question to a legacy client. What the policy does not let the server ask is refused here once more. */
async function ask(exchange: Decided, question: Question, standing: Standing): Promise<Record<string, Json>> {
  const answers: Record<string, Json> = {};
  for (const [key, request] of Object.entries(question.requests)) {
    const kind = clientRequests.get(request.method);
    const isClosed = kind === undefined || exchange.grants.requests[kind] === 'deny' || standing.lost() !== undefined;
    if (isClosed || exchange.channel.ask === undefined) {
      answers[key] = null;
      continue;
    }
    const asked = await exchange.channel.ask(request);
    answers[key] = asked.ok ? asked.result : refusedAnswer(kind);
  }
  return answers;
}

/** A modern server has no error to read from a client that cannot answer; declining is what elicitation has for it. */
function refusedAnswer(kind: 'elicitation' | 'sampling' | 'roots'): Json {
  return kind === 'elicitation' ? { action: 'cancel' } : null;
}

function mayVisit(exchange: Decided): boolean {
  const offered = offeredCapabilities(exchange.client.capabilities, exchange.grants.requests);
  return isObject(offered.elicitation) && isObject(offered.elicitation.url);
}

const answeredTwice: Step = { kind: 'failed', failure: { kind: 'misbehaved', detail: 'asked after it had failed' } };

/** The error of a legacy server that wants a page visited first, as a question; the retry simply calls again. */
function visit(exchange: Decided, asked: readonly JsonObject[], bounds: ForwardBounds, questions: Questions): Reply {
  const requests = Object.fromEntries(
    asked.map(({ elicitationId: _id, ...params }, index) => [
      `visit-${index + 1}`,
      { method: 'elicitation/create', params: { ...params, mode: 'url' } },
    ]),
  );
  const question: Question = {
    kind: 'question',
    requests,
    resume: { kind: 'state', state: '' },
    answer: () => Promise.resolve(answeredTwice),
    detach: () => {},
    abandon: () => {},
  };
  const put = questions.put(exchange, question, bounds.parked);
  return put.ok ? { kind: 'result', result: put.value } : { kind: 'refused', refusal: put.refusal };
}
