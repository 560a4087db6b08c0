/** What a server asks of a client: which input requests it may ask, and what they look like. */

import type { ClientRequest, OutboundCall, Step } from '../pipeline/contracts/upstream.ts';
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { cleanServerMeta, endToEndMeta, metaOf } from '../protocol/meta.ts';
import { clientRequests } from '../protocol/methods.ts';
import { misbehaved, sent } from './failures.ts';

type Asked = Pick<OutboundCall, 'capabilities' | 'own'>;

/** May a server send this request during the call? Modes of elicitation count one by one. */
export function mayAsk({ capabilities, own }: Asked, method: string, params: JsonObject): boolean {
  if (own === true) return false;
  const kind = clientRequests.get(method);
  if (kind === undefined) return false;
  const declared = capabilities[kind];
  if (!isObject(declared)) return false;
  if (kind !== 'elicitation') return true;
  const mode = params.mode ?? 'form';
  // An empty declaration means forms only (2026-07-28, elicitation, capabilities).
  if (mode === 'form') return Object.keys(declared).length === 0 || isObject(declared.form);
  return mode === 'url' && isObject(declared.url);
}

/** Progress tokens and the like belong to the hop between server and gateway. */
export function withoutHopMeta(params: JsonObject): JsonObject {
  if (!isObject(params._meta)) return params;
  const { _meta, ...rest } = params;
  const kept = endToEndMeta(metaOf(cleanServerMeta({ _meta })));
  return kept === undefined ? rest : { ...rest, _meta: kept };
}

const maxQuestions = 64;
/** Of the state of a server, as JSON. The client gets it sealed. */
const maxStateBytes = 524_288;

/** The input requests in the result of a modern server; `undefined` when one of them may not be asked or is none. */
function readQuestions(value: Json | undefined, call: Asked): Record<string, ClientRequest> | undefined {
  if (value === undefined) return {};
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  if (entries.length > maxQuestions) return undefined;
  const requests: Record<string, ClientRequest> = {};
  for (const [key, request] of entries) {
    if (!isObject(request) || typeof request.method !== 'string') return undefined;
    const params = isObject(request.params) ? request.params : {};
    if (!mayAsk(call, request.method, params)) return undefined;
    requests[key] = { method: request.method, params: withoutHopMeta(params) };
  }
  return requests;
}

/**
 * The input requests of a modern server are a result; the same call made again with the answers goes on (2026-07-28, MRTR).
 * `again` makes it.
 */
export function modernQuestion(
  result: JsonObject,
  call: OutboundCall,
  again: (call: OutboundCall) => Promise<Step>,
): Step {
  const requests = readQuestions(result.inputRequests, call);
  const state = result.requestState;
  if (typeof state === 'string' && Buffer.byteLength(JSON.stringify(state)) > maxStateBytes)
    return { kind: 'failed', failure: sent(misbehaved(`gave a requestState of more than ${maxStateBytes} bytes`)) };
  if (requests === undefined || (state !== undefined && typeof state !== 'string'))
    return { kind: 'failed', failure: sent(misbehaved('asked something that the client did not offer')) };
  return {
    kind: 'input-required',
    requests,
    resume: state === undefined ? { kind: 'state' } : { kind: 'state', state },
    answer: (inputResponses, next) => {
      const { inputResponses: _answered, requestState: _passed, ...repeated } = call.params;
      const params: JsonObject = { ...repeated, inputResponses };
      return again({ ...next, params: state === undefined ? params : { ...params, requestState: state } });
    },
    detach: () => {},
    abandon: () => {},
  };
}
