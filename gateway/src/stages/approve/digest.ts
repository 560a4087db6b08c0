/** What an approval is of: exactly this call. Equal JSON that is spelled differently is the same call. */
import { createHash } from 'node:crypto';
import type { ApprovalTerms } from '../../pipeline/contracts/approval.ts';
import { canonical } from '../../protocol/canonical.ts';
import type { Json, JsonObject } from '../../protocol/json.ts';

/** Everything that a decision is bound to. What differs in any of it is another call, and needs another approval. */
export interface Bound {
  /** Key of the caller. */
  readonly caller: string;
  readonly server: string;
  readonly capability: { readonly type: string; readonly name: string };
  /** As the server would get them. */
  readonly arguments: JsonObject;
  /** What the call does, as a person is told. */
  readonly tier?: string;
  /** Digest of the definition of the tool. */
  readonly definition?: string;
  /** Connection and text of the rule that holds. */
  readonly rule: { readonly connection: string; readonly text: string };
  readonly terms: ApprovalTerms;
  /** The guardrail that holds it, and what it found. */
  readonly guardrail?: string;
  /** What the client answers to input requests of the server, and what it says in `_meta`: the server gets both. */
  readonly answers?: Json;
  /** What its server asked: which of its input requests, and the words of each. */
  readonly inputRequests?: { readonly id: string; readonly messages: JsonObject };
  readonly meta?: JsonObject;
}

/** Of everything but the arguments. */
export function scopeDigest({ arguments: _arguments, ...rest }: Bound): string {
  return createHash('sha256')
    .update(canonical(rest as unknown as Json))
    .digest('hex');
}

/** SHA-256 in hexadecimal of the canonical JSON (RFC 8785). */
export function approvalDigest(bound: Bound): string {
  return createHash('sha256')
    .update(canonical(bound as unknown as Json))
    .digest('hex');
}
