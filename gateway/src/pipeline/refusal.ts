/**
 * Every way in which an exchange ends early. The client learns little (`wire-error.ts`), the record learns everything:
 * `detail` never leaves the gateway.
 */

import type { DecodeFault } from '../protocol/decode.ts';
import type { JsonFault } from '../protocol/json.ts';
import type { AccountLinkPrompt } from './contracts/accounts.ts';
import type { ApprovalPage } from './contracts/approval.ts';
import type { Verdict } from './contracts/audit.ts';
import type { UpstreamFailure } from './contracts/upstream.ts';

export type Refusal =
  | { readonly reason: 'host-refused' | 'origin-refused' | 'address-refused' }
  | { readonly reason: 'http-method'; readonly allowed: string }
  | { readonly reason: 'media-type' | 'content-encoding' | 'not-acceptable' | 'credentials-in-query' | 'path-unknown' }
  | { readonly reason: 'body-too-large'; readonly limit: number }
  | { readonly reason: 'bad-json'; readonly fault: JsonFault }
  | DecodeFault
  | { readonly reason: 'batch-refused' }
  | { readonly reason: 'stray-argument-header'; readonly header: string }
  | { readonly reason: 'credentials-missing' }
  /** `signed`: the issuer's signature is good, so the subject is known although the credential is not valid. */
  | {
      readonly reason: 'credentials-invalid';
      readonly cause: CredentialFault;
      readonly detail: string;
      readonly signed?: true;
    }
  | { readonly reason: 'too-many-failures'; readonly seconds: number }
  | { readonly reason: 'authentication-unavailable'; readonly detail: string }
  | { readonly reason: 'scope-missing'; readonly scopes: readonly string[]; readonly detail: string }
  /** An inspector keeps what the server sent from the client. */
  | {
      readonly reason: 'content-withheld';
      readonly server: string;
      readonly guardrail?: string;
      readonly detail: string;
    }
  /** A guardrail stops what the client sends. `what`: class and place of what was found, never the value. */
  | {
      readonly reason: 'content-blocked' | 'content-held';
      readonly guardrail: string;
      readonly what: string;
      readonly detail: string;
    }
  | { readonly reason: 'session-unknown' }
  | { readonly reason: 'endpoint-unknown'; readonly detail: string }
  | {
      readonly reason: 'capability-unknown';
      readonly what: 'tool' | 'prompt' | 'resource';
      readonly name: string;
      readonly detail: string;
    }
  | { readonly reason: 'bad-params'; readonly problem: string }
  /** `message`: what the operator tells the model about it. */
  | { readonly reason: 'denied' | 'held'; readonly detail: string; readonly message?: string }
  /** So many requests of servers wait for answers of this caller: one more is given up, and so is the call that it is of. */
  | { readonly reason: 'too-many-input-requests'; readonly limit: number }
  /** A person has not decided yet. `until`: milliseconds since the epoch. */
  | {
      readonly reason: 'approval-pending';
      readonly id: string;
      readonly until: number;
      readonly message?: string;
      readonly page?: ApprovalPage;
    }
  /** `message`: why, in the words of who rejected it. */
  | { readonly reason: 'approval-rejected'; readonly id: string; readonly message?: string }
  /** It was used, withdrawn, or its time is over. */
  | { readonly reason: 'approval-over'; readonly id: string; readonly state: 'expired' | 'consumed' | 'withdrawn' }
  | { readonly reason: 'too-many-approvals' }
  | { readonly reason: 'arguments-invalid'; readonly problems: readonly string[] }
  | {
      readonly reason: 'state-invalid';
      readonly cause: 'forged' | 'expired' | 'mismatch' | 'over';
      readonly detail: string;
    }
  | { readonly reason: 'capability-missing'; readonly required: string }
  | {
      readonly reason: 'too-many-requests' | 'too-many-streams' | 'too-many-sessions';
      readonly limit: number;
      /** Of their messages together, where it is not the number of requests that is too large. */
      readonly unit?: 'bytes';
    }
  /** A limit of the configuration. `seconds`: until trying again can help; absent where it cannot. */
  | {
      readonly reason: 'limit-reached';
      readonly limit: string;
      readonly seconds?: number;
      readonly detail: string;
      readonly verdicts: readonly Verdict[];
    }
  /** The caller made the same call again and again. */
  | { readonly reason: 'call-repeated'; readonly seconds: number; readonly times: number }
  /** Too many calls of this caller were denied or invalid. */
  | { readonly reason: 'too-many-refusals'; readonly seconds: number }
  | {
      readonly reason: 'server-unavailable';
      readonly server: string;
      readonly fault?: ServerFault;
      readonly detail: string;
    }
  /** Its operator takes it out of service. `seconds`: until that ends by itself. */
  | {
      readonly reason: 'server-disabled';
      readonly server: string;
      readonly state: 'draining' | 'disabled';
      readonly message?: string;
      readonly seconds?: number;
      readonly detail: string;
    }
  /** The server or the tool failed too often, and is left alone for a while. */
  | {
      readonly reason: 'breaker-open';
      readonly server: string;
      readonly of: 'server' | 'tool';
      readonly seconds: number;
      readonly detail: string;
    }
  /** The server said that it takes no more calls for now. */
  | {
      readonly reason: 'server-limited';
      readonly server: string;
      readonly seconds: number;
      readonly detail: string;
      readonly verdicts?: readonly Verdict[];
    }
  | {
      readonly reason: 'account-required';
      readonly server: string;
      readonly detail: string;
      readonly prompt: AccountLinkPrompt;
    }
  | { readonly reason: 'server-timeout'; readonly server: string; readonly detail: string }
  | { readonly reason: 'server-misbehaved'; readonly server: string; readonly detail: string }
  /**
   * The server may have had the call, and did not answer it. `repeatable`: making it once more changes nothing more, as the
   * operator or the tool says.
   */
  | {
      readonly reason: 'call-unfinished';
      readonly server: string;
      readonly how: 'unavailable' | 'timeout' | 'misbehaved';
      readonly repeatable: boolean;
      readonly fault?: ServerFault;
      readonly detail: string;
    }
  | { readonly reason: 'result-too-large'; readonly limit: number }
  | { readonly reason: 'too-many-rounds'; readonly limit: number }
  | { readonly reason: 'record-unavailable'; readonly detail: string }
  /** The server had the call already. `answered`: it answered as well. */
  | { readonly reason: 'result-unrecorded'; readonly answered: boolean; readonly detail: string }
  /** The credential, the connection or the rule that allowed it is gone. `sent`: its server, or the gateway, may have done it or a part of it. */
  | { readonly reason: 'right-ended'; readonly cause: RightsFault; readonly sent?: true; readonly detail: string }
  | { readonly reason: 'draining' }
  | { readonly reason: 'cancelled' }
  | { readonly reason: 'internal'; readonly detail: string };

export type Reason = Refusal['reason'];

/**
 * Why a credential is not valid. `unknown`: neither a key nor an issuer of it is known. `caller`: it is valid, and the
 * caller that it names is not one here. `proof`: the DPoP proof. `binding`: it is bound to a key that was not proved.
 */
export type CredentialFault =
  | 'malformed'
  | 'ambiguous'
  | 'unknown'
  | 'issuer'
  | 'algorithm'
  | 'type'
  | 'signature'
  | 'expired'
  | 'not-yet-valid'
  | 'revoked'
  | 'audience'
  | 'binding'
  | 'proof'
  | 'address'
  | 'caller';

/**
 * What a failure says of the server. `none`: nothing, as it was not asked, or refused this request. `known`: it failed a
 * moment ago, and was not asked again. `answered`: it is there, and says that it failed. Absent: it is not there.
 */
export type ServerFault = 'none' | 'known' | 'answered';

/** What a call or stream lost its right with. */
export type RightsFault = 'credential' | 'server' | 'disabled' | 'connection' | 'rule' | 'configuration';

/** Either what a stage established, or why the exchange ends here. */
export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly refusal: Refusal };

export function pass<Value>(value: Value): Outcome<Value> {
  return { ok: true, value };
}

export function refuse(refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal };
}

/**
 * What it means for a call that its server failed after the call was handed to it. `tool`: what is known of the tool that
 * was called.
 */
export function callFailureRefusal(
  server: string,
  failure: UpstreamFailure,
  tool: { readonly repeatable: boolean } | undefined,
): Refusal {
  const { repeatable } = tool ?? { repeatable: true };
  return 'sent' in failure
    ? { reason: 'call-unfinished', server, how: failure.kind, repeatable, ...faultOf(failure), detail: failure.detail }
    : failureRefusal(server, failure);
}

function faultOf(failure: UpstreamFailure & { readonly status?: number; readonly fault?: ServerFault }): {
  readonly fault?: ServerFault;
} {
  const { status, fault = status === undefined ? undefined : status < 500 ? 'none' : 'answered' } = failure;
  return fault === undefined ? {} : { fault };
}

/** What it means for a request that the server could not be asked. */
export function failureRefusal(server: string, failure: UpstreamFailure): Refusal {
  switch (failure.kind) {
    case 'unavailable': {
      const { detail, retryAfterMs } = failure;
      if (retryAfterMs === undefined) return { reason: 'server-unavailable', server, ...faultOf(failure), detail };
      return { reason: 'server-limited', server, seconds: Math.ceil(retryAfterMs / 1_000), detail };
    }
    case 'timeout':
      return { reason: 'server-timeout', server, detail: failure.detail };
    case 'misbehaved':
      return { reason: 'server-misbehaved', server, detail: failure.detail };
    case 'too-large':
      return { reason: 'result-too-large', limit: failure.limit };
    case 'cancelled':
      return { reason: 'cancelled' };
    case 'account-required':
      return { reason: 'account-required', server, detail: failure.detail, prompt: failure.prompt };
  }
}
