/** JSON-RPC 2.0 messages as MCP restricts them: string or integer ids, never null, params always an object. */
import { isObject, type Json, type JsonObject, plainNumber } from './json.ts';

export type RequestId = string | number;

export interface RequestMessage {
  readonly kind: 'request';
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
}
export interface NotificationMessage {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject;
}
export interface ResponseMessage {
  readonly kind: 'response';
  readonly id: RequestId;
  readonly result?: JsonObject;
  readonly error?: RpcError;
}
export type Message = RequestMessage | NotificationMessage | ResponseMessage;

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: Json;
}

/** `id` is what could be read of it, so that an error can carry it. */
export type MessageResult =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly problem: string; readonly id?: RequestId };

const empty: JsonObject = Object.freeze({});

/** Classifies one message. Members that JSON-RPC does not know are dropped: they are never forwarded. */
export function readMessage(value: Json, idLength: number): MessageResult {
  if (!isObject(value)) return { ok: false, problem: 'A message must be a JSON object' };
  // Languages with one kind of number write `1.0`.
  const rawId = plainNumber(value.id);
  const id = typeof rawId === 'string' || typeof rawId === 'number' ? rawId : undefined;
  const fail = (problem: string): MessageResult =>
    id === undefined ? { ok: false, problem } : { ok: false, problem, id };
  if (value.jsonrpc !== '2.0') return fail('jsonrpc must be "2.0"');
  if ('id' in value) {
    if (id === undefined) return fail('id must be a string or an integer');
    if (typeof id === 'number' && !Number.isSafeInteger(id)) return { ok: false, problem: 'id must be a safe integer' };
    if (typeof id === 'string' && id.length > idLength) return { ok: false, problem: 'id is too long' };
  }
  if ('method' in value) {
    const { method, params } = value;
    if (typeof method !== 'string') return fail('method must be a string');
    if ('result' in value || 'error' in value) return fail('A message cannot be a request and a response at once');
    if (params !== undefined && !isObject(params)) return fail('params must be an object');
    return id === undefined
      ? { ok: true, message: { kind: 'notification', method, params: params ?? empty } }
      : { ok: true, message: { kind: 'request', id, method, params: params ?? empty } };
  }
  if (id === undefined && !isObject(value.error)) return fail('A message must have a method, a result or an error');
  if ('result' in value === 'error' in value) return fail('A response must have either a result or an error');
  if ('error' in value) {
    const error = readError(value.error);
    if (error === undefined || id === undefined) return fail('error must have a code and a message, and an id');
    return { ok: true, message: { kind: 'response', id, error } };
  }
  if (id === undefined || !isObject(value.result)) return fail('result must be an object');
  return { ok: true, message: { kind: 'response', id, result: value.result } };
}

export function readError(value: Json | undefined): RpcError | undefined {
  if (!isObject(value) || typeof value.message !== 'string') return undefined;
  const code = plainNumber(value.code);
  if (typeof code !== 'number' || !Number.isInteger(code)) return undefined;
  return value.data === undefined
    ? { code, message: value.message }
    : { code, message: value.message, data: value.data };
}

export function requestText(id: RequestId, method: string, params: JsonObject): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":${JSON.stringify(params)}}`;
}

export function notificationText(method: string, params: JsonObject): string {
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${JSON.stringify(params)}}`;
}

export function resultText(id: RequestId, result: JsonObject): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result)}}`;
}

/** `id` is absent only when it could not be read from the request. */
export function errorText(id: RequestId | undefined, error: RpcError): string {
  const body = JSON.stringify(error);
  return id === undefined
    ? `{"jsonrpc":"2.0","error":${body}}`
    : `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${body}}`;
}

/** Codes of JSON-RPC 2.0 and of MCP 2026-07-28. The gateway mints none in the reserved range. */
export const codes = {
  parse: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internal: -32_603,
  headerMismatch: -32_020,
  missingCapability: -32_021,
  unsupportedVersion: -32_022,
  /** Legacy eras only. */
  resourceNotFound: -32_002,
  urlElicitationRequired: -32_042,
} as const;
