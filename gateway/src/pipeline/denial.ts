/**
 * What a refusal means for machines: whether the same call can succeed later, and whether the server may have had it. One
 * table, which the compiler keeps complete and a test compares with docs/errors.md.
 */
import type { JsonObject } from '../protocol/json.ts';
import type { Reply } from './exchange.ts';
import type { Reason, Refusal } from './refusal.ts';

/**
 * `structural`: the request itself is wrong, or leads nowhere. `permission`: the caller may not. `approval`: a person has to
 * do something first. `limit`: too much at once. `transient`: something is out of order for now.
 */
export type DenialClass = 'structural' | 'permission' | 'approval' | 'limit' | 'transient';

export interface Denial {
  readonly class: DenialClass;
  /** The same call, made again, can succeed without anything else being done. */
  readonly retryable: boolean;
  /** The server may have had the call. */
  readonly made?: true;
  /** The request could not be read, or its sender is not known: status and code say all that there is to say. */
  readonly bare?: true;
}

const unread: Denial = { class: 'structural', retryable: false, bare: true };
const structural: Denial = { class: 'structural', retryable: false };
const stranger: Denial = { class: 'permission', retryable: false, bare: true };
const permission: Denial = { class: 'permission', retryable: false };
const approval: Denial = { class: 'approval', retryable: false };
const busy: Denial = { class: 'limit', retryable: true };
const transient: Denial = { class: 'transient', retryable: true };

export const denials: Readonly<Record<Reason, Denial>> = {
  'host-refused': unread,
  'origin-refused': unread,
  'address-refused': unread,
  'http-method': unread,
  'media-type': unread,
  'content-encoding': unread,
  'not-acceptable': unread,
  'credentials-in-query': unread,
  'path-unknown': unread,
  'body-too-large': unread,
  'bad-json': unread,
  'bad-message': unread,
  'bad-meta': unread,
  'header-mismatch': unread,
  'unsupported-version': unread,
  'unknown-method': unread,
  'batch-refused': unread,
  'stray-argument-header': unread,
  'session-unknown': structural,
  'endpoint-unknown': structural,
  'capability-unknown': structural,
  'bad-params': structural,
  'arguments-invalid': structural,
  'state-invalid': structural,
  'capability-missing': unread,
  'credentials-missing': stranger,
  'credentials-invalid': stranger,
  'scope-missing': permission,
  'content-withheld': { class: 'permission', retryable: false, made: true },
  'content-blocked': permission,
  'content-held': approval,
  denied: permission,
  'right-ended': permission,
  held: approval,
  'approval-pending': { class: 'approval', retryable: true },
  'approval-rejected': approval,
  'approval-over': { class: 'approval', retryable: true },
  'too-many-approvals': busy,
  'account-required': approval,
  'too-many-failures': busy,
  'too-many-requests': busy,
  'too-many-streams': busy,
  'too-many-sessions': busy,
  'limit-reached': busy,
  'too-many-refusals': busy,
  'call-repeated': busy,
  'server-limited': busy,
  'result-too-large': { class: 'limit', retryable: false, made: true },
  'too-many-input-requests': { class: 'limit', retryable: false, made: true },
  'too-many-rounds': { class: 'limit', retryable: false, made: true },
  'authentication-unavailable': transient,
  'server-unavailable': transient,
  'breaker-open': transient,
  'server-disabled': transient,
  'server-timeout': transient,
  'record-unavailable': transient,
  draining: transient,
  'server-misbehaved': { class: 'transient', retryable: false },
  'call-unfinished': { class: 'transient', retryable: false, made: true },
  'result-unrecorded': { class: 'transient', retryable: false, made: true },
  cancelled: { class: 'transient', retryable: false },
  internal: { class: 'transient', retryable: false },
};

/**
 * Why a caller was refused; also of a resource that its server does not have, which is told in the same bytes as one that is
 * denied, and counts as such: else counting would tell the two apart.
 */
export function reasonOf(reply: Reply): Reason | undefined {
  if (reply.kind === 'refused') return reply.refusal.reason;
  return reply.kind === 'error' && reply.said !== undefined ? 'capability-unknown' : undefined;
}

/** Whether the server may have had the call. */
export function mayBeMade(refusal: Refusal): boolean {
  return refusal.reason === 'right-ended' ? refusal.sent === true : denials[refusal.reason].made === true;
}

function mayBeRepeated(refusal: Refusal, retryable: boolean): boolean {
  if (refusal.reason === 'call-unfinished') return refusal.repeatable;
  return refusal.reason === 'limit-reached' ? refusal.seconds !== undefined : retryable;
}

/** What is denied and what does not exist are answered in the same bytes, and a reference is never the same. */
const alike: ReadonlySet<Reason> = new Set(['capability-unknown', 'endpoint-unknown']);

/** Under `_meta` of a tool result, and under `_meta` in the `data` of an error. No server can set it. */
export const denialKey = 'sallyport/denial';

/** `retryAfter`: the header of that name. `reference`: the correlation id, absent where nothing is recorded under it. */
export function denialOf(
  refusal: Refusal,
  retryAfter: string | undefined,
  reference: string | undefined,
): JsonObject | undefined {
  const { class: kind, retryable, bare } = denials[refusal.reason];
  if (bare === true) return undefined;
  return {
    class: kind,
    retryable: mayBeRepeated(refusal, retryable),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: Number(retryAfter) }),
    ...(reference === undefined || alike.has(refusal.reason) ? {} : { reference }),
  };
}
