/** The protocol's own keys in `_meta` (specification 2026-07-28, basic, `_meta`). */
import { isObject, type Json, type JsonObject } from './json.ts';

export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

const ownKeys: ReadonlySet<string> = new Set(Object.values(metaKeys));

/** Keys of ours and of the transport that must not cross from one side to the other as they are. */
function isHopKey(key: string): boolean {
  return key === 'progressToken' || ownKeys.has(key);
}

/** The `_meta` of a message, empty when there is none or when it is no object. */
export function metaOf(params: JsonObject): JsonObject {
  const meta = params._meta;
  return isObject(meta) ? meta : {};
}

/**
 * Trace context (W3C), as MCP carries it in `_meta`. It identifies the trace of the client, so a server sets none of it;
 * baggage is private data of the client's application, and does not leave it.
 */
const traceKeys: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage']);
const traceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** Characters; what W3C asks to be passed on at the least. */
const maxTracestateLength = 512;

function isPassedTrace(key: string, value: Json): boolean {
  if (typeof value !== 'string') return false;
  if (key === 'traceparent') return traceparent.test(value);
  return key === 'tracestate' && value.length <= maxTracestateLength && /^[\x20-\x7e]*$/.test(value);
}

/** What a client put into `_meta` for the server: everything but the keys that belong to one hop. */
export function endToEndMeta(meta: JsonObject): JsonObject | undefined {
  let kept: Record<string, Json> | undefined;
  // Asked twice in each call, and nearly always of keys of one hop alone.
  for (const key in meta) {
    if (isHopKey(key)) continue;
    const value = meta[key] ?? null;
    if (traceKeys.has(key) && !isPassedTrace(key, value)) continue;
    kept ??= {};
    kept[key] = value;
  }
  return kept;
}

const reservedPrefix = /^(?:sallyport|[A-Za-z0-9-]+\.(?:modelcontextprotocol|mcp)(?:\.[A-Za-z0-9.-]*)?)\//;

/**
 * The `_meta` of a server's result or notification without the reserved keys that it has no business to set, our own
 * included: a server could otherwise forge the subscription of another one, or a denial. `serverInfo` stays, as it describes the server itself.
 */
export function cleanServerMeta(message: JsonObject): JsonObject {
  const meta = message._meta;
  if (!isObject(meta)) return message;
  const kept: Record<string, Json> = {};
  let dropped = false;
  for (const [key, value] of Object.entries(meta)) {
    if (traceKeys.has(key)) dropped = true;
    else if (reservedPrefix.test(key) && key !== metaKeys.serverInfo && !passedThrough.has(key)) dropped = true;
    else kept[key] = value;
  }
  return dropped ? { ...message, _meta: kept } : message;
}

/** For clients of before 2026-07-28, who know no `serverInfo` in `_meta`. */
export function withoutServerInfo(message: JsonObject): JsonObject {
  const meta = message._meta;
  if (!isObject(meta) || !(metaKeys.serverInfo in meta)) return message;
  const { [metaKeys.serverInfo]: _info, ...kept } = meta;
  const { _meta, ...rest } = message;
  return Object.keys(kept).length === 0 ? rest : { ...rest, _meta: kept };
}

/** Reserved keys that the specification defines for servers to send and for clients to read. */
const passedThrough: ReadonlySet<string> = new Set(['io.modelcontextprotocol/related-task']);

export interface Implementation {
  readonly name: string;
  readonly version: string;
}

/** Name and version that the other side claims, cut to a sane length; for display and records only. */
export function readImplementation(value: Json | undefined): Implementation | undefined {
  if (!isObject(value) || typeof value.name !== 'string') return undefined;
  const version = typeof value.version === 'string' ? value.version : '';
  return { name: value.name.slice(0, 128), version: version.slice(0, 64) };
}
