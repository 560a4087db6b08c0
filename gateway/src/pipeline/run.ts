/**
 * The road. Everything that crosses the gateway takes it, in this order; every exit, a thrown bug included, leaves a
 * record. Open this file to see the product.
 */

import { inspectIn, isCorrectable, permit } from './admit.ts';
import type { Caller } from './caller.ts';
import { argumentsOf, decide } from './decide.ts';
import { denials } from './denial.ts';
import type { Connected, Connecting, Decided, Identified, Received, Reply, Sought } from './exchange.ts';
import type { Graph } from './graph.ts';
import { invited } from './invite.ts';
import type { AuditLog, ExchangeEnd, ExchangeFacts } from './record.ts';
import type { Reason, Refusal } from './refusal.ts';
import { type Rights, Standing } from './rights.ts';

/** The stages that are more than a few lines, each from its own folder. `main.ts` puts them together. */
export interface Stages {
  /** Is this a call of a tool of the gateway itself? */
  isOwn(exchange: Identified, graph: Graph): boolean;
  /**
   * What the gateway answers itself: lists, `initialize`, subscriptions, its own tools. `open` records that a stream
   * opens, before the client is told that it did.
   */
  answerLocally(exchange: Identified, graph: Graph, open: () => Promise<Refusal | undefined>): Promise<Reply>;
  /** 4: which capability of which server. */
  connect(exchange: Identified, graph: Graph): Connecting | Promise<Connecting>;
  /** 4 again, where a schema refuses: the exchange with the tool as its server lists it now, if that is another one. */
  renew(exchange: Decided, graph: Graph): Promise<Decided | undefined>;
  /** What is known of where a request would lead, without asking anybody. */
  seek(exchange: Identified, graph: Graph): Sought | undefined;
  /** 10 and 11: to the server and back. */
  forward(exchange: Decided, graph: Graph, standing: Standing): Promise<Reply>;
  /** What the caller of something that stays open may do now. */
  readonly rights: Rights;
  /** 6: a place among the requests that a caller has under way. */
  readonly places: { take(key: string, limit: number): boolean; give(key: string): void };
  readonly audit: AuditLog;
  /** Told of every exchange when it is over. */
  observe(facts: ExchangeFacts, end: ExchangeEnd): void;
  /** Told of a bug: the operator must see it, the client must not. */
  onBug(error: unknown, reference: string): void;
}

/** What the record of an exchange is made of, filled in along the road. */
interface Trail {
  caller?: Caller;
  connected?: Connected;
  /** Instead of `connected`, when stage 4 or a limit before it ended the exchange. */
  sought?: Sought | undefined;
  decided?: Decided;
  /** The place among the requests of the caller that was taken. */
  place?: string;
  /** The facts of the intent, which the outcome repeats. */
  intended?: ExchangeFacts;
  /** The call was handed to its server. */
  forwarded?: boolean;
}

export async function run(message: Received, graph: Graph, stages: Stages): Promise<Reply> {
  const trail: Trail = {};
  let reply: Reply;
  try {
    reply = await travel(message, graph, stages, trail);
  } catch (error) {
    stages.onBug(error, message.id);
    reply = refused({ reason: 'internal', detail: text(error) });
  }
  if (trail.place !== undefined) stages.places.give(trail.place);
  return invited(message, await record(message, graph, stages, trail, reply));
}

/** What stays open is recorded when it opens: how it ends may never be known. */
async function recordOpening(
  message: Received,
  graph: Graph,
  stages: Stages,
  trail: Trail,
): Promise<Refusal | undefined> {
  trail.intended = factsOf(message, graph, trail);
  try {
    await stages.audit.intend(trail.intended);
    return undefined;
  } catch (error) {
    return { reason: 'record-unavailable', detail: text(error) };
  }
}

/** What `runStream` gives a listener: whether the stream may open, and how it says that it is over. */
export type Opening = { readonly ok: true; close(): void } | { readonly ok: false; readonly reply: Reply };

/** The road of a stream that a listener opens for a session: recorded when it opens, and when it is over. */
export async function runStream(message: Identified, graph: Graph, stages: Stages): Promise<Opening> {
  const trail: Trail = { caller: message.caller };
  const refusal = await recordOpening(message, graph, stages, trail);
  if (refusal !== undefined) return { ok: false, reply: await record(message, graph, stages, trail, refused(refusal)) };
  return {
    ok: true,
    close: () => {
      record(message, graph, stages, trail, { kind: 'text', text: '' }).catch((error: unknown) =>
        stages.onBug(error, message.id),
      );
    },
  };
}

/** The road of what a listener has done itself for a known caller, such as ending a session. */
export function runDone(message: Identified, graph: Graph, stages: Stages): Promise<Reply> {
  return record(message, graph, stages, { caller: message.caller }, { kind: 'text', text: '' });
}

/** The short road of what could not be decoded: whoever sent it is recorded with it. */
export function runRefused(message: Received, refusal: Refusal, graph: Graph, stages: Stages): Promise<Reply> {
  const { identity } = message;
  // Who is not known learns nothing of what we think of the message.
  if (!identity.ok) return record(message, graph, stages, {}, refused(identity.refusal));
  return record(message, graph, stages, { caller: identity.value }, refused(refusal));
}

/** Stage 12. */
async function record(message: Received, graph: Graph, stages: Stages, trail: Trail, reply: Reply): Promise<Reply> {
  const facts = trail.intended ?? factsOf(message, graph, trail);
  const { end, written } = endOf(message, reply, trail);
  try {
    const recorded = stages.audit.end(facts, end, trail.intended !== undefined);
    if (recorded !== undefined) await recorded;
  } catch (error) {
    const refusal = unrecorded(trail, reply, text(error));
    const outcome = outcomeOf(refusal, trail);
    stages.observe(facts, { ...end, outcome, reason: refusal.reason, detail: text(error) });
    return refused(refusal);
  }
  stages.observe(facts, end);
  return written;
}

/** Refusals of `forward` with which the server did not get the call. */
const unsent: ReadonlySet<Reason> = new Set(['state-invalid', 'bad-params', 'unconnected']);

/** Whoever reads that a call was not made makes it again, so that is said only where it is true. */
function unrecorded({ forwarded }: Trail, reply: Reply, detail: string): Refusal {
  const ended = reply.kind === 'refused' ? reply.refusal.reason : undefined;
  if (forwarded !== true || (ended !== undefined && unsent.has(ended))) return { reason: 'record-unavailable', detail };
  return { reason: 'result-unrecorded', answered: ended === undefined, detail };
}

function travel(message: Received, graph: Graph, stages: Stages, trail: Trail): Reply | Promise<Reply> {
  if (!message.identity.ok) return refused(message.identity.refusal);
  const caller = message.identity.value;
  trail.caller = caller;
  const identified: Identified = { ...message, caller };

  const { key } = caller;
  const limit = message.operation === 'stream' ? graph.bounds.streams : graph.bounds.concurrency;
  const place = message.operation === 'stream' ? `stream ${key}` : key;
  if (!stages.places.take(place, limit)) {
    trail.sought = stages.seek(identified, graph);
    return refused({ reason: message.operation === 'stream' ? 'too-many-streams' : 'too-many-requests', limit });
  }
  trail.place = place;
  return message.operation === 'call' && !stages.isOwn(identified, graph)
    ? call(identified, graph, stages, trail)
    : local(identified, graph, stages, trail);
}

/** Most times that an answer is made anew because another revision came into force meanwhile. */
const maxRemakes = 3;

/** What the gateway answers itself, by the revision that is in force when the answer is there. */
async function local(identified: Identified, graph: Graph, stages: Stages, trail: Trail): Promise<Reply> {
  const { rights } = stages;
  let current = graph;
  let { caller } = identified;
  for (let remakes = 0; ; remakes++) {
    const reply = await stages.answerLocally({ ...identified, caller }, current, () =>
      recordOpening(identified, graph, stages, trail),
    );
    if (identified.operation === 'stream' || reply.kind === 'refused') return reply;
    const renewed = rights.renew(caller);
    if (renewed === undefined) return refused({ reason: 'right-ended', detail: 'the credential has ended' });
    if (rights.graph() === current) return reply;
    if (remakes === maxRemakes) return refused({ reason: 'right-ended', detail: 'the configuration keeps changing' });
    caller = renewed;
    current = rights.graph();
  }
}

async function call(identified: Identified, graph: Graph, stages: Stages, trail: Trail): Promise<Reply> {
  const connecting = stages.connect(identified, graph);
  const connected = connecting instanceof Promise ? await connecting : connecting;
  if (!connected.ok) {
    trail.sought = connected.sought;
    return refused(connected.refusal);
  }
  trail.connected = connected.value;

  let decided = decide(connected.value);
  trail.decided = decided;
  const early = permit(decided);
  if (!early.ok && !isCorrectable(early.refusal, decided)) return refused(early.refusal);

  let inspected = inspectIn(decided);
  const renewed =
    !inspected.ok && inspected.refusal.reason === 'arguments-invalid' ? await stages.renew(decided, graph) : undefined;
  if (renewed !== undefined) {
    trail.connected = trail.decided = decided = renewed;
    inspected = inspectIn(renewed);
  }
  if (!inspected.ok) return refused(inspected.refusal);
  const allowed = permit(decided);
  if (!allowed.ok) return refused(allowed.refusal);

  trail.intended = factsOf(identified, graph, trail);
  const intended = stages.audit.intend(trail.intended);
  if (intended !== undefined) {
    try {
      await intended;
    } catch (error) {
      return refused({ reason: 'record-unavailable', detail: text(error) });
    }
  }
  if (identified.cancellation.cancelled) return refused({ reason: 'cancelled' });
  trail.forwarded = true;
  const { rights } = stages;
  const standing = new Standing(decided, graph, rights);
  rights.underWay.add(standing);
  let reply: Reply;
  try {
    reply = await stages.forward(decided, graph, standing);
  } finally {
    rights.underWay.delete(standing);
  }
  // The revision and the credential of now decide about the result, whatever they were when the call was made.
  const lost = standing.lost();
  return lost === undefined ? reply : refused({ reason: 'right-ended', detail: lost });
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function refused(refusal: Refusal): Reply {
  return { kind: 'refused', refusal };
}

/** Everything known of an exchange when its record is written. */
export function factsOf(message: Received, graph: Graph, trail: Trail): ExchangeFacts {
  const { client } = message;
  const { connected, sought } = trail;
  const facts: Mutable<ExchangeFacts> = {
    id: message.id,
    at: message.at,
    revision: graph.revision,
    direction: 'client-to-server',
    transport: message.transport,
    era: client.era,
    method: message.method,
    bytesIn: message.bytesIn,
  };
  if (message.address !== undefined) facts.address = message.address;
  if (trail.caller !== undefined) facts.caller = trail.caller;
  if (client.info !== undefined) facts.client = client.info;
  if (client.session !== undefined) facts.session = client.session.digest;
  if (connected === undefined) {
    if (message.endpoint.kind === 'server') facts.server = message.endpoint.server;
    if (message.operation === 'call') facts.arguments = message.params;
    return sought === undefined ? facts : soughtFacts(facts, sought, message);
  }
  facts.server = connected.link.server;
  facts.connections = connected.grants.connections;
  facts.capability = connected.capability;
  facts.arguments = argumentsOf(connected) ?? {};
  if (connected.tool !== undefined) {
    facts.tier = connected.tool.tier;
    facts.definition = connected.tool.digest;
    if (connected.tool.cost !== undefined) facts.cost = connected.tool.cost;
  } else facts.tier = 'read';
  if (trail.decided !== undefined) facts.decision = trail.decided.decision;
  return facts;
}

function soughtFacts(facts: Mutable<ExchangeFacts>, sought: Sought, message: Received): ExchangeFacts {
  if (sought.server === undefined) delete facts.server;
  else facts.server = sought.server;
  facts.connections = sought.connections;
  if (sought.asked !== undefined) facts.asked = sought.asked;
  if (sought.tier !== undefined) facts.tier = sought.tier;
  if (sought.decision !== undefined) facts.decision = sought.decision;
  if (sought.capability === undefined) return facts;
  facts.capability = sought.capability;
  facts.arguments = argumentsOf(message) ?? {};
  return facts;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** `unknown`: the server may have had the call, and its caller did not get the end. */
function outcomeOf({ reason }: Refusal, { forwarded }: Trail): 'cancelled' | 'unknown' | 'refused' {
  if (reason === 'cancelled') return 'cancelled';
  return denials[reason].made === true || (reason === 'internal' && forwarded === true) ? 'unknown' : 'refused';
}

/** How it ended, and the reply with its result written once, for the record and for the client. */
function endOf(message: Received, reply: Reply, trail: Trail): { readonly end: ExchangeEnd; readonly written: Reply } {
  const base = { at: Date.now(), latency: Math.round((performance.now() - message.started) * 1_000), bytesOut: 0 };
  switch (reply.kind) {
    case 'result': {
      const { result, source } = reply;
      const resultText = source?.of === result ? source.text : JSON.stringify(result);
      const outcome = result.isError === true ? 'tool-error' : 'answered';
      const end: ExchangeEnd = { ...base, outcome, resultText, bytesOut: resultText.length };
      return { end, written: { kind: 'text', text: resultText } };
    }
    case 'text':
      return { end: { ...base, outcome: 'answered', bytesOut: reply.text.length }, written: reply };
    case 'pieces': {
      const bytesOut = reply.before.length + reply.middle.length + reply.after.length;
      return { end: { ...base, outcome: 'answered', bytesOut }, written: reply };
    }
    case 'error': {
      const { code, message: said } = reply.said ?? reply.error;
      const error = { code, message: said };
      return { end: { ...base, outcome: 'error', error }, written: reply };
    }
    case 'refused': {
      const { refusal } = reply;
      const outcome = outcomeOf(refusal, trail);
      const end: ExchangeEnd = { ...base, outcome, reason: refusal.reason };
      return { end: 'detail' in refusal ? { ...end, detail: refusal.detail } : end, written: reply };
    }
  }
}
