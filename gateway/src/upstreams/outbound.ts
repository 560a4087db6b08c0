/** The parameters of a request as each era wants them, made anew from what was authorised. */

import type { OutboundCall } from '../pipeline/contracts/upstream.ts';
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import type { RequestId } from '../protocol/jsonrpc.ts';
import { endToEndMeta, metaKeys, metaOf } from '../protocol/meta.ts';
import { mirror } from '../protocol/mirrored-headers.ts';
import { modernVersion } from '../protocol/versions.ts';
import { implementation } from './identity.ts';

/** With the gateway's own version, identity and progress token in `_meta`. */
export function modernParams(call: OutboundCall, id: RequestId): JsonObject {
  const meta: Record<string, Json> = {
    ...endToEndMeta(metaOf(call.params)),
    [metaKeys.protocolVersion]: modernVersion,
    [metaKeys.clientCapabilities]: call.capabilities,
    [metaKeys.clientInfo]: implementation,
  };
  if (call.logLevel !== undefined) meta[metaKeys.logLevel] = call.logLevel;
  if (call.progress) meta.progressToken = id;
  return { ...call.params, _meta: meta };
}

/** The headers of a modern request with these parameters. */
export function modernHeaders(
  { method, mirrored, headers }: OutboundCall,
  params: JsonObject,
): Readonly<Record<string, string>> {
  const own = mirror(modernVersion, { method, params, mirrored });
  return headers === undefined ? own : { ...own, ...headers };
}

/** Without what only the modern era knows. */
export function legacyParams(call: OutboundCall, id: RequestId): JsonObject {
  const { _meta, inputResponses: _responses, requestState: _state, ...params } = call.params;
  const kept = isObject(_meta) ? endToEndMeta(_meta) : undefined;
  if (!call.progress) return kept === undefined ? params : { ...params, _meta: kept };
  return { ...params, _meta: { ...kept, progressToken: id } };
}
