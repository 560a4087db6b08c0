/** What changes in a result, an error or a notification between a server of one era and a client of another. Pure. */
import { isObject, type Json, type JsonObject, plainNumber } from './json.ts';
import { codes, type RpcError } from './jsonrpc.ts';
import { cleanServerMeta, withoutServerInfo } from './meta.ts';
import type { Era } from './versions.ts';

/** A complete result in the words of the client's era: the same object when it is in these words already. */
export function adaptResult(result: JsonObject, method: string, client: Era): JsonObject {
  const cleaned = client === 'modern' ? cleanServerMeta(result) : withoutServerInfo(cleanServerMeta(result));
  if (client === 'modern') {
    // Nothing that passed the policy of one caller may be cached for another, whatever the server says.
    if (method === 'resources/read')
      return { ...cleaned, resultType: 'complete', ttlMs: ttlOf(cleaned), cacheScope: 'private' };
    return cleaned.resultType === 'complete' ? cleaned : { ...cleaned, resultType: 'complete' };
  }
  if (!('resultType' in cleaned || 'ttlMs' in cleaned || 'cacheScope' in cleaned || 'structuredContent' in cleaned))
    return cleaned;
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...kept } = cleaned;
  if (kept.structuredContent !== undefined && !isObject(kept.structuredContent)) {
    // Before 2026-07-28 structured content was an object; the text beside it says the same.
    const { structuredContent: _content, ...text } = kept;
    return text;
  }
  return kept;
}

function ttlOf(result: JsonObject): number {
  const ttlMs = plainNumber(result.ttlMs);
  return typeof ttlMs === 'number' && Number.isFinite(ttlMs) && ttlMs >= 0 ? ttlMs : 0;
}

/** Codes that the specification defines for a server to send. Others are the server's own and go through. */
export function adaptError(error: RpcError, client: Era, uri: Json | undefined): RpcError {
  if (client === 'modern' && error.code === codes.resourceNotFound) {
    const data = isObject(error.data) ? error.data : {};
    return { ...error, code: codes.invalidParams, data: typeof uri === 'string' ? { ...data, uri } : data };
  }
  // The transport's own codes speak of a request that the client did not make.
  if (error.code === codes.headerMismatch || error.code === codes.unsupportedVersion)
    return { code: codes.internal, message: 'The server and the gateway do not understand each other' };
  return error;
}

/** The input requests that a legacy server wants answered in a browser first (2025-11-25, URL elicitation, -32042). */
export function urlElicitations(error: RpcError): readonly JsonObject[] | undefined {
  if (error.code !== codes.urlElicitationRequired || !isObject(error.data)) return undefined;
  const { elicitations } = error.data;
  if (!Array.isArray(elicitations) || elicitations.length === 0 || elicitations.length > 16) return undefined;
  const questions = (elicitations as readonly Json[]).filter(isObject);
  return questions.length === elicitations.length ? questions : undefined;
}
