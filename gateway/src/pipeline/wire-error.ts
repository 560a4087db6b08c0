/** What a refusal looks like from outside: the one translation to HTTP status, JSON-RPC error and words. */

import { isObject, type JsonObject, jsonFaultText } from '../protocol/json.ts';
import { codes, type RpcError } from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/versions.ts';
import { denialKey, denialOf } from './denial.ts';
import { accountLinkText, pendingText } from './prompt-text.ts';
import type { Refusal } from './refusal.ts';
import { invalidState, type Resumed, wordsFor } from './resumed-text.ts';

export interface WireError {
  /** HTTP status; ignored on stdio. */
  readonly status: number;
  readonly error: RpcError;
  /** For `tools/call`: the same as a result with `isError`, which a model can read and correct. */
  readonly asToolResult: boolean;
  /** Class, `retryable`, `retryAfterSeconds` and reference, for `_meta`. */
  readonly denial?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Codes of our own stand outside the range that JSON-RPC and MCP reserve, and mirror the HTTP status they resemble. */
function own(status: number, code: number, message: string, headers?: Readonly<Record<string, string>>): WireError {
  const wire = { status, error: { code, message }, asToolResult: status === 200 };
  return headers === undefined ? wire : { ...wire, headers };
}

function protocol(status: number, code: number, message: string, data?: RpcError['data']): WireError {
  return { status, error: data === undefined ? { code, message } : { code, message, data }, asToolResult: false };
}

/** The request that is refused. */
export interface Asked {
  readonly era: Era;
  readonly reference: string | undefined;
  readonly note?: string | undefined;
  readonly resumed?: Resumed | undefined;
}

/**
 * What leaves the gateway for a refusal. `reference` is the correlation id by which the operator finds the record; absent
 * where there is none. What machines need stands in the `data` of the error, beside what the protocol has there.
 */
export function toWire(refusal: Refusal, asked: Asked): WireError {
  const { reference, note } = asked;
  const wire = withNote(inWords(refusal, asked), note);
  const { code, message, data } = wire.error;
  const denial = denialOf(refusal, wire.headers?.['retry-after'], reference);
  if (denial === undefined) return wire;
  const { retryAfterSeconds } = denial;
  const more = { ...(retryAfterSeconds !== undefined && { retryAfterSeconds }), _meta: { [denialKey]: denial } };
  return { ...wire, error: { code, message, data: isObject(data) ? { ...data, ...more } : more }, denial };
}

/** What a model is told beside the reason. */
function withNote(wire: WireError, note: string | undefined): WireError {
  if (note === undefined) return wire;
  return { ...wire, error: { ...wire.error, message: `${wire.error.message}. ${note}` } };
}

function inWords(refusal: Refusal, { era, reference = '-', resumed = false }: Asked): WireError {
  const referred = (text: string): string => `${text} (reference ${reference})`;
  const told = (code: number, text: string): WireError => own(200, code, referred(text));
  const { made, again, without } = wordsFor(resumed);
  switch (refusal.reason) {
    case 'host-refused':
      return protocol(403, codes.invalidRequest, 'Host header not allowed');
    case 'address-refused':
      return protocol(403, codes.invalidRequest, 'Client address not allowed');
    case 'origin-refused':
      return protocol(403, codes.invalidRequest, 'Origin not allowed');
    case 'http-method':
      return { ...protocol(405, codes.invalidRequest, 'Method not allowed'), headers: { allow: refusal.allowed } };
    case 'content-encoding':
      // RFC 9110, 15.5.16: the field says what would have been taken.
      return {
        ...protocol(415, codes.invalidRequest, 'The body must not be compressed: send it without Content-Encoding'),
        headers: { 'accept-encoding': 'identity' },
      };
    case 'media-type':
      return protocol(415, codes.invalidRequest, 'Content-Type must be application/json');
    case 'not-acceptable':
      return protocol(406, codes.invalidRequest, 'Accept must list application/json and text/event-stream');
    case 'credentials-in-query':
      return protocol(400, codes.invalidRequest, 'Credentials belong in the Authorization header, never in the URL');
    case 'body-too-large':
      return protocol(
        413,
        codes.invalidRequest,
        `The body is larger than ${refusal.limit} bytes, or comes in too many small chunks`,
      );
    case 'bad-json':
      return protocol(400, codes.parse, jsonFaultText[refusal.fault]);
    case 'bad-message':
      return protocol(400, codes.invalidRequest, refusal.problem);
    case 'bad-meta':
      return protocol(400, codes.invalidParams, `params._meta must have ${refusal.key}`);
    case 'header-mismatch':
      return protocol(400, codes.headerMismatch, `${refusal.header} does not match the body`);
    case 'unsupported-version':
      return protocol(400, codes.unsupportedVersion, 'Unsupported protocol version', {
        supported: refusal.supported,
        requested: refusal.requested,
      });
    case 'unknown-method':
      // A legacy client takes 404 for the end of its session.
      return protocol(era === 'modern' ? 404 : 200, codes.methodNotFound, 'Method not found');
    case 'batch-refused':
      return protocol(400, codes.invalidRequest, 'Batches exist only in protocol version 2025-03-26');
    case 'stray-argument-header':
      return protocol(400, codes.headerMismatch, `${refusal.header} belongs to a request of 2026-07-28`);
    case 'credentials-missing':
      return protocol(401, 401, 'Authentication required: send an API key as Authorization: Bearer');
    case 'credentials-invalid':
      return protocol(401, 401, 'The credentials are not valid');
    case 'too-many-failures':
      return {
        ...protocol(429, 429, 'Too many failures: try again later'),
        headers: { 'retry-after': String(refusal.seconds) },
      };
    case 'authentication-unavailable':
      return {
        ...protocol(503, 503, referred('The credentials cannot be checked at the moment')),
        headers: { 'retry-after': '5' },
      };
    case 'scope-missing':
      return protocol(403, 403, referred(`This needs the scope ${refusal.scopes.join(' ')}`));
    case 'session-unknown':
      return protocol(404, 404, 'Session not found: initialize again');
    case 'path-unknown':
      return protocol(
        404,
        404,
        'There is no such path: one server is at /servers/NAME/mcp, all of them together are at /mcp',
      );
    case 'endpoint-unknown':
      return protocol(404, 404, 'There is no such server');
    case 'capability-unknown':
      return refusal.what === 'resource'
        ? protocol(200, era === 'modern' ? codes.invalidParams : codes.resourceNotFound, 'Resource not found', {
            uri: refusal.name,
          })
        : protocol(
            200,
            codes.invalidParams,
            `Unknown ${refusal.what}: ${refusal.name}; ${refusal.what}s/list names what you can use`,
          );
    case 'bad-params':
      return protocol(200, codes.invalidParams, refusal.problem);
    case 'denied':
      return told(403, `Not allowed by policy with these arguments: ${refusal.message ?? deniedAdvice}`);
    case 'held':
      return told(
        403,
        `This call needs the approval of a person and was not ${made}: ${refusal.message ?? heldAdvice}`,
      );
    case 'approval-pending':
      return own(200, 403, pendingText(refusal, made));
    case 'approval-rejected':
      return own(
        200,
        403,
        `A person has rejected this call, which was not ${made}: ${refusal.message ?? 'do not repeat it'} (approval ${refusal.id})`,
      );
    case 'approval-over':
      return own(
        200,
        403,
        `The approval ${refusal.id} of this call is over, and the call was not ${made}: ${again} to ask for another one`,
      );
    case 'too-many-approvals':
      return limited('Too many calls wait for the approval of a person: wait until some are decided', 60);
    case 'arguments-invalid':
      return own(200, codes.invalidParams, `Invalid arguments: ${refusal.problems.join('; ')}`);
    case 'state-invalid':
      return protocol(200, codes.invalidParams, invalidState[refusal.cause]);
    case 'capability-missing':
      return protocol(400, codes.missingCapability, 'The client lacks a capability that this request needs', {
        requiredCapabilities: { [refusal.required]: {} },
      });
    case 'too-many-requests':
      return own(
        429,
        429,
        refusal.unit === 'bytes'
          ? `Requests under way have more than ${Math.floor(refusal.limit / 2 ** 20)} MiB together: try again when one is answered`
          : `More than ${refusal.limit} requests under way: try again`,
        { 'retry-after': '1' },
      );
    case 'too-many-streams':
      return own(429, 429, `More than ${refusal.limit} open streams`, { 'retry-after': '5' });
    case 'too-many-sessions':
      return own(429, 429, `More than ${refusal.limit} open sessions`, { 'retry-after': '5' });
    case 'limit-reached':
      return limited(
        referred(
          `The limit "${refusal.limit}" is reached, and the call was not ${made}. ${retryText(refusal.seconds)}`,
        ),
        refusal.seconds,
      );
    case 'call-repeated':
      return limited(
        referred(
          `This call was made ${refusal.times} times in a row and always ended the same, so it is refused for ${durationText(refusal.seconds)}. Do not repeat it: change the arguments, do something else, or tell the person you work for.`,
        ),
        refusal.seconds,
      );
    case 'too-many-refusals':
      return limited(
        referred(
          `Too many calls were refused, and this one was not looked at. ${retryText(refusal.seconds)} Then call what is listed, as its schema says, and do not repeat what is denied.`,
        ),
        refusal.seconds,
      );
    case 'server-limited':
      return limited(
        referred(
          `The server ${refusal.server} takes no more calls for now, and this one was not ${made}. ${retryText(refusal.seconds)}`,
        ),
        refusal.seconds,
      );
    case 'server-unavailable':
      return told(503, `The server ${refusal.server} cannot be reached at the moment: try again in a while`);
    case 'server-disabled':
      return stopped(
        referred(
          `The server ${refusal.server} is ${refusal.state === 'disabled' ? 'out of service' : 'being taken out of service'} by its operator, and the call was not ${made}${refusal.message === undefined ? '.' : `: ${refusal.message}.`} ${refusal.seconds === undefined ? 'Try again later.' : retryText(refusal.seconds)}`,
        ),
        refusal.seconds,
      );
    case 'breaker-open':
      return stopped(
        referred(
          `${refusal.of === 'tool' ? `This tool of the server ${refusal.server}` : `The server ${refusal.server}`} failed again and again, and the call was not ${made}. ${retryText(refusal.seconds)}`,
        ),
        refusal.seconds,
      );
    case 'account-required':
      return told(428, accountLinkText(refusal.server, refusal.prompt, resumed ? again : 'retry'));
    case 'server-timeout':
      return told(504, `The server ${refusal.server} did not answer in time`);
    case 'call-unfinished':
      return told(
        refusal.how === 'timeout' ? 504 : 502,
        `The server ${refusal.server} ${endings[refusal.how]}: the call may have been made, ${refusal.repeatable ? 'and it is safe to make it again' : 'do not simply repeat it, find out first whether it was made'}`,
      );
    case 'server-misbehaved':
      return told(502, `The server ${refusal.server} answered in a way that cannot be forwarded`);
    case 'result-too-large':
      return told(507, `The result is larger than ${refusal.limit} bytes: ask for less at once`);
    case 'too-many-input-requests':
      return told(
        429,
        `More than ${refusal.limit} requests of servers wait for your answers: the call may have been made, do not simply repeat it, answer some of them first`,
      );
    case 'too-many-rounds':
      return told(508, `The server sent more than ${refusal.limit} input requests during one call`);
    case 'record-unavailable':
      return told(503, `The call was not ${made} because it could not be recorded`);
    case 'result-unrecorded':
      return told(
        500,
        refusal.answered
          ? 'The call was made, and its result is withheld because it could not be recorded: do not simply repeat it, ask the operator'
          : 'The call may have been made, and how it ended could not be recorded: do not simply repeat it, ask the operator',
      );
    case 'content-blocked':
      return told(
        403,
        `The guardrail "${refusal.guardrail}" stops this call, which was not ${made}: it contains ${refusal.what}. ${without}`,
      );
    case 'content-held':
      return told(
        403,
        `The guardrail "${refusal.guardrail}" holds this call for the approval of a person, and it was not ${made}: it contains ${refusal.what}`,
      );
    case 'content-withheld':
      return told(
        403,
        `What the server ${refusal.server} answered is withheld by ${refusal.guardrail === undefined ? 'an inspection' : `the guardrail "${refusal.guardrail}"`}: the call was made, so do not repeat it`,
      );
    case 'right-ended':
      return told(403, rightEnded(refusal, made));
    case 'draining':
      return own(503, 503, 'The gateway is stopping: try again', { 'retry-after': '5' });
    case 'cancelled':
      return own(200, 499, 'Cancelled');
    case 'internal':
      return { ...told(codes.internal, 'Internal error'), status: 500 };
  }
}

function rightEnded({ cause, sent }: Refusal & { readonly reason: 'right-ended' }, made: string): string {
  const ended =
    cause === 'disabled' ? 'The server was taken out of service by its operator' : 'The right to make this call ended';
  return sent === true
    ? `${ended} while it was under way: it may have been made, and its result is withheld`
    : `${ended} while it waited: it was not ${made}${made === 'continued' ? ', and a part of it may have been made' : ''}`;
}

/** HTTP 429 where no model reads it, else a tool error. */
function limited(message: string, seconds: number | undefined): WireError {
  return { ...own(429, 429, message, retryAfter(seconds)), asToolResult: true };
}

/** HTTP 503 where no model reads it, else a tool error. */
function stopped(message: string, seconds: number | undefined): WireError {
  return { ...own(503, 503, message, retryAfter(seconds)), asToolResult: true };
}

function retryAfter(seconds: number | undefined): Readonly<Record<string, string>> | undefined {
  return seconds === undefined ? undefined : { 'retry-after': String(seconds) };
}

function retryText(seconds: number | undefined): string {
  if (seconds === undefined) return 'The call is larger than the whole limit: ask for less at once.';
  return `Try again in ${durationText(seconds)}, and not before.`;
}

function durationText(seconds: number): string {
  const [amount, unit] =
    seconds < 120
      ? [seconds, 'second']
      : seconds < 7_200
        ? [Math.ceil(seconds / 60), 'minute']
        : seconds < 172_800
          ? [Math.ceil(seconds / 3_600), 'hour']
          : [Math.ceil(seconds / 86_400), 'day'];
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}

/** What a model is to do, where the operator does not say more. */
const deniedAdvice = 'do not repeat the call as it is';
const heldAdvice = 'do not repeat it, ask the person you work for';

const endings = {
  unavailable: 'ended or broke off before it answered',
  timeout: 'did not answer in time',
  misbehaved: 'answered in a way that cannot be forwarded',
} as const;
