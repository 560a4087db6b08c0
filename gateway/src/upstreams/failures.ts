/** Failures of servers, told apart by what they mean for the call. Details are for the record, never for the client. */
import type { Step, UpstreamFailure } from '../pipeline/contracts/upstream.ts';
import { codes, type RpcError } from '../protocol/jsonrpc.ts';
import type { Ready } from './credentials/contract.ts';

const maxDetailLength = 300;

/** Servers choose parts of it: on a terminal it must be one readable line, without control characters. */
export function plain(text: string): string {
  const line = text.slice(0, maxDetailLength).replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ');
  return text.length > maxDetailLength ? `${line.slice(0, maxDetailLength - 1)}…` : line;
}

/** `challenge`: what the server says about the tokens that it wants. */
export function unavailable(detail: string, status?: number, challenge?: string): UpstreamFailure {
  return {
    kind: 'unavailable',
    detail: plain(detail),
    ...(status === undefined ? {} : { status }),
    ...(challenge === undefined ? {} : { challenge }),
  };
}

/** The server has had enough calls for now. What it refuses so has not been done (RFC 6585, 4). */
export function limited(retryAfterMs: number): UpstreamFailure {
  const detail = `HTTP status 429: no more calls for ${Math.ceil(retryAfterMs / 1_000)} s`;
  return { kind: 'unavailable', detail, status: 429, retryAfterMs };
}

/** Nothing was sent, as there is nothing to present. */
export function withoutCredential({ problem, prompt }: Ready & { readonly ok: false }): UpstreamFailure {
  const detail = `no credential: ${problem}`;
  return prompt === undefined
    ? { kind: 'unavailable', detail: plain(detail), fault: 'none' }
    : { kind: 'account-required', detail, prompt };
}

/** With the last that a process wrote before it failed: that usually says why. */
export function withLastWords(failure: UpstreamFailure, said: string): UpstreamFailure {
  if (said === '' || (failure.kind !== 'unavailable' && failure.kind !== 'timeout')) return failure;
  return { ...failure, detail: plain(`${failure.detail}; its last output: ${said}`) };
}

export function misbehaved(detail: string): UpstreamFailure {
  return { kind: 'misbehaved', detail: plain(detail) };
}

export function timedOut(detail: string): UpstreamFailure {
  return { kind: 'timeout', detail };
}

/** The same failure of a request that the server may have had. */
export function sent(failure: UpstreamFailure): UpstreamFailure {
  switch (failure.kind) {
    case 'unavailable':
    case 'timeout':
    case 'misbehaved':
      return { ...failure, sent: true };
    case 'account-required':
    case 'too-large':
    case 'cancelled':
      return failure;
  }
}

/** The same failure of a request that the server refused, as it has forgotten the session. `said`: where that is not sure. */
export function forgotten(failure: UpstreamFailure, how: 'surely' | 'perhaps', said?: RpcError): UpstreamFailure {
  if (failure.kind !== 'unavailable') return failure;
  return { ...failure, forgotten: how, ...(said === undefined ? {} : { said }) };
}

/** Does the server refuse this as of a session that it has, or may have, forgotten? */
export function seemsForgotten(step: Step): boolean {
  if (step.kind === 'error') return mayMeanForgotten(step.error);
  if (step.kind !== 'failed' || !('forgotten' in step.failure)) return false;
  // A method that it does not know, in a session that it knows.
  return step.failure.forgotten === 'surely' || step.failure.said?.code !== codes.methodNotFound;
}

/** The same failure as one of what came before the request. */
export function unsent(failure: UpstreamFailure): UpstreamFailure {
  if (!('sent' in failure)) return failure;
  const { sent: _sent, ...rest } = failure;
  return rest;
}

export const closed: UpstreamFailure = { kind: 'unavailable', detail: 'closed', fault: 'none' };
export const stillStarting: UpstreamFailure = { kind: 'unavailable', detail: 'is still starting', fault: 'none' };
export const ofAnotherEra: UpstreamFailure = {
  kind: 'unavailable',
  detail: 'speaks another era by now',
  fault: 'none',
};
export const notConnected: UpstreamFailure = { kind: 'unavailable', detail: 'is not connected', fault: 'none' };
export const endedLately: UpstreamFailure = { kind: 'unavailable', detail: 'ended a moment ago', fault: 'known' };

/** The same failure, told again while the server is not asked. */
export function known(failure: UpstreamFailure): UpstreamFailure {
  return failure.kind === 'unavailable' && failure.fault === undefined ? { ...failure, fault: 'known' } : failure;
}

/** A failure in words, for records and logs. */
export function failureText(failure: UpstreamFailure): string {
  switch (failure.kind) {
    case 'unavailable':
    case 'timeout':
    case 'misbehaved':
    case 'account-required':
      return failure.detail;
    case 'too-large':
      return `answer larger than ${failure.limit} bytes`;
    case 'cancelled':
      return 'cancelled';
  }
}

/** "No valid session ID provided", "Session not found" and their kin. */
const forgottenSession =
  /\b(?:no valid|invalid|unknown|expired|missing|bad) (?:mcp[- ])?session\b|\bsession\b.{0,80}\b(?:not found|unknown|invalid|expired|terminated|does not exist|not initialized)\b/i;

/**
 * Some servers say in an error, whatever the status, that they know our session no more. A tool may say the same of a
 * session of its own, so this is a reason to ask and none to act.
 */
function mayMeanForgotten({ code, message }: RpcError): boolean {
  return code <= -32000 && code >= -32099 && forgottenSession.test(message);
}
