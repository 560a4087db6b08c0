/** Puts the stages of the road together for one gateway. */

import { connect, seek } from './connections/connect.ts';
import { callConnectTool, isConnectTool } from './connections/connect-tool.ts';
import { discover, initialize } from './connections/hello.ts';
import { listen } from './connections/listen.ts';
import { list } from './connections/lists.ts';
import { Concurrency } from './limits/concurrency.ts';
import type { Decided, Identified, Reply } from './pipeline/exchange.ts';
import { forward } from './pipeline/forward.ts';
import type { Graph } from './pipeline/graph.ts';
import type { Questions } from './pipeline/questions.ts';
import type { AuditLog } from './pipeline/record.ts';
import type { Stages } from './pipeline/run.ts';
import type { Streams } from './pipeline/streams.ts';
import { listKindOf, logLevels } from './protocol/methods.ts';
import type { Log } from './telemetry/log.ts';
import type { Metrics } from './telemetry/metrics.ts';

export interface StageParts {
  readonly audit: AuditLog;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly questions: Questions;
  readonly streams: Streams;
}

/** Methods that may be a label; anything else a client makes up counts as `other`. */
const labels: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'subscriptions/listen',
  'logging/setLevel',
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'completion/complete',
]);

export function makeStages({ audit, log, metrics, questions, streams }: StageParts): Stages {
  return {
    audit,
    places: new Concurrency(),
    isOwn: isConnectTool,
    connect,
    seek,
    forward: (exchange, graph) => forward(witnessed(exchange, audit), questions, graph.bounds),
    answerLocally: (exchange, graph) => answerLocally(exchange, graph, streams, log),
    observe(facts, end) {
      metrics.observe({
        // A server that only the client named is not a label either.
        server: facts.connections === undefined ? '-' : (facts.server ?? '-'),
        method: labels.has(facts.method) ? facts.method : 'other',
        outcome: end.reason ?? end.outcome,
        seconds: end.latency / 1_000_000,
      });
      if (end.outcome === 'refused')
        log.info(
          {
            reference: facts.id,
            method: labels.has(facts.method) ? facts.method : 'other',
            caller: facts.caller?.key,
            reason: end.reason,
            detail: end.detail,
          },
          'refused',
        );
    },
    onBug: (error, reference) => log.error({ reference, err: error }, 'bug: please report it'),
  };
}

/** What a server asks of a legacy client is a record; a modern client gets it as a result, which is recorded anyway. */
function witnessed(exchange: Decided, audit: AuditLog): Decided {
  const { channel, caller, link, id } = exchange;
  const { ask } = channel;
  if (ask === undefined) return exchange;
  return {
    ...exchange,
    channel: {
      notify: (method, params) => channel.notify(method, params),
      async ask(request) {
        const asked = await ask.call(channel, request);
        audit.note({
          kind: 'client-request',
          at: Date.now(),
          caller,
          server: link.server,
          detail: { method: request.method, exchange: id, answered: asked.ok },
        });
        return asked;
      },
    },
  };
}

async function answerLocally(exchange: Identified, graph: Graph, streams: Streams, log: Log): Promise<Reply> {
  const kind = listKindOf(exchange.method);
  if (kind !== undefined) return list(exchange, graph, kind, log);
  switch (exchange.method) {
    case 'initialize':
      return initialize(exchange, graph);
    case 'server/discover':
      return discover(exchange, graph);
    case 'subscriptions/listen':
      return listen(exchange, graph, streams);
    case 'logging/setLevel':
      return setLevel(exchange);
    case 'ping':
      return { kind: 'result', result: {} };
    case 'tools/call':
      return callConnectTool(exchange, graph);
    default:
      return { kind: 'refused', refusal: { reason: 'unknown-method', method: exchange.method } };
  }
}

function setLevel(exchange: Identified): Reply {
  const { level } = exchange.params;
  if (typeof level !== 'string' || !logLevels.includes(level))
    return { kind: 'refused', refusal: { reason: 'bad-params', problem: 'params.level must be a log level' } };
  if (exchange.client.session !== undefined) exchange.client.session.logLevel = level;
  return { kind: 'result', result: {} };
}
