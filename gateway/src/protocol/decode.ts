/**
 * From one parsed JSON value and the headers it came with to a message of one era. Pure; what it does not understand is
 * a fault. The body decides the era (2026-07-28, versioning), headers only confirm it.
 */
import { isObject, type Json, type JsonObject } from './json.ts';
import { type RequestId, readMessage } from './jsonrpc.ts';
import { type Implementation, metaKeys, metaOf, readImplementation } from './meta.ts';
import { type Operation, operationOf } from './methods.ts';
import { type HeaderReader, standardMismatch } from './mirrored-headers.ts';
import { type Era, isLegacyVersion, isModernVersion, modernVersions } from './versions.ts';

/** What a client says about itself in a modern request, or said in `initialize`. */
export interface ClientClaims {
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly info?: Implementation;
}

export type Decoded =
  | {
      readonly kind: 'request';
      readonly era: Era;
      readonly id: RequestId;
      readonly method: string;
      readonly params: JsonObject;
      readonly operation: Operation;
      /** Absent on a legacy request: there the session, or `initialize` itself, holds them. */
      readonly claims?: ClientClaims;
    }
  | { readonly kind: 'notification'; readonly era: Era; readonly method: string; readonly params: JsonObject }
  | {
      readonly kind: 'response';
      readonly id: RequestId;
      readonly result?: JsonObject;
      readonly error?: { readonly code: number; readonly message: string; readonly data?: Json };
    };

export type DecodeFault =
  | { readonly reason: 'bad-message'; readonly problem: string }
  | { readonly reason: 'bad-meta'; readonly key: string }
  | { readonly reason: 'header-mismatch'; readonly header: string }
  | { readonly reason: 'unsupported-version'; readonly requested: string; readonly supported: readonly string[] }
  | { readonly reason: 'unknown-method'; readonly method: string };

export type DecodeResult =
  | { readonly ok: true; readonly decoded: Decoded }
  | { readonly ok: false; readonly fault: DecodeFault; readonly id?: RequestId; readonly era: Era };

/** `headers` is absent on stdio, where no header exists that could disagree. */
export function decode(value: Json, headers: HeaderReader | undefined, idLength: number): DecodeResult {
  const read = readMessage(value, idLength);
  if (!read.ok) {
    const fault: DecodeFault = { reason: 'bad-message', problem: read.problem };
    return read.id === undefined
      ? { ok: false, fault, era: 'modern' }
      : { ok: false, fault, id: read.id, era: 'modern' };
  }
  const { message } = read;
  if (message.kind === 'response') return { ok: true, decoded: message };
  const meta = metaOf(message.params);
  const claimed = meta[metaKeys.protocolVersion];
  const modern = claimed !== undefined || metaKeys.clientCapabilities in meta;
  if (message.kind === 'notification') return decodeNotification(message, modern);

  const { id, method, params } = message;
  const fail = (fault: DecodeFault, era: Era): DecodeResult => ({ ok: false, fault, id, era });
  if (modern) return decodeModern(id, method, params, meta, headers);

  const version = headers?.('mcp-protocol-version');
  if (version === false) return fail({ reason: 'header-mismatch', header: 'MCP-Protocol-Version' }, 'legacy');
  if (version !== undefined && !isLegacyVersion(version)) {
    // A modern header without the claim in the body would slip past whatever is decided for modern requests.
    if (isModernVersion(version)) return fail({ reason: 'bad-meta', key: metaKeys.protocolVersion }, 'modern');
    return fail({ reason: 'unsupported-version', requested: version, supported: modernVersions }, 'legacy');
  }
  const operation = operationOf('legacy', method);
  if (operation === undefined) {
    // A method that only the modern era has lacks its `_meta`; everything else is simply unknown.
    return operationOf('modern', method) === undefined
      ? fail({ reason: 'unknown-method', method }, 'legacy')
      : fail({ reason: 'bad-meta', key: metaKeys.protocolVersion }, 'modern');
  }
  return { ok: true, decoded: { kind: 'request', era: 'legacy', id, method, params, operation } };
}

function decodeModern(
  id: RequestId,
  method: string,
  params: JsonObject,
  meta: JsonObject,
  headers: HeaderReader | undefined,
): DecodeResult {
  const fail = (fault: DecodeFault): DecodeResult => ({ ok: false, fault, id, era: 'modern' });
  const version = meta[metaKeys.protocolVersion];
  if (typeof version !== 'string') return fail({ reason: 'bad-meta', key: metaKeys.protocolVersion });
  const capabilities = meta[metaKeys.clientCapabilities];
  if (!isObject(capabilities)) return fail({ reason: 'bad-meta', key: metaKeys.clientCapabilities });
  if (headers !== undefined) {
    const header = standardMismatch(headers, version, { method, params });
    if (header !== undefined) return fail({ reason: 'header-mismatch', header });
  }
  if (!isModernVersion(version))
    return fail({ reason: 'unsupported-version', requested: version.slice(0, 64), supported: modernVersions });
  const operation = operationOf('modern', method);
  if (operation === undefined) return fail({ reason: 'unknown-method', method });
  const info = readImplementation(meta[metaKeys.clientInfo]);
  const claims: ClientClaims = info === undefined ? { version, capabilities } : { version, capabilities, info };
  return { ok: true, decoded: { kind: 'request', era: 'modern', id, method, params, operation, claims } };
}

/** One that is not known is taken and not passed on: a notification has no answer (JSON-RPC 2.0, 4.1). */
function decodeNotification(
  message: { readonly method: string; readonly params: JsonObject },
  modern: boolean,
): DecodeResult {
  const era: Era = modern ? 'modern' : 'legacy';
  return { ok: true, decoded: { kind: 'notification', era, method: message.method, params: message.params } };
}
