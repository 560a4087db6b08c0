/** A caller as conditions see it, and short texts that tell two callers apart. */
import { hash } from 'node:crypto';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { ConditionContext } from './condition.ts';

/** The caller as conditions see it: names that are absent are empty texts, so that comparing with them is no error. */
export function callerView(caller: Caller): ConditionContext['caller'] {
  const { user = '', agent = '', application = '', roles, groups = [], scopes, claims, attributes, trust } = caller;
  return { user, agent, application, roles, groups, scopes, claims, attributes, trust };
}

/** Equal for two callers of which all conditions say the same, whatever these ask. */
export function viewKey(seen: object): string {
  const text = JSON.stringify(seen, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  return hash('sha256', text, 'base64url');
}

/** A short text for a row of zeros and ones. */
export function pack(bits: readonly string[]): string {
  return bits.length === 0 ? '' : `${bits.length}.${BigInt(`0b${bits.join('')}`).toString(36)}`;
}
