/** What was not let through: the question that comes first, whatever the gateway calls the reason. */
import type { Reason } from '../../pipeline/refusal.ts';
import type { Hit } from './search.ts';

/** Refusals by a rule, a limit or a guardrail. Others are about the message, the load or the server, and deny nothing. */
const reasons = [
  'denied',
  'held',
  'approval-pending',
  'approval-rejected',
  'approval-over',
  'content-blocked',
  'content-held',
  'content-withheld',
  'limit-reached',
  'call-repeated',
  'too-many-refusals',
  'server-disabled',
  'scope-missing',
  'account-required',
  // What a caller may not see is as if it were not there, by its own name or by that of the portal.
  'capability-unknown',
  'endpoint-unknown',
  'credentials-missing',
  'credentials-invalid',
  'credentials-in-query',
  'path-unknown',
  'too-many-failures',
  'host-refused',
  'origin-refused',
  'address-refused',
  'right-ended',
] satisfies readonly Reason[];

/** `unconnected` is the name of `account-required` in older records. */
const denying: ReadonlySet<string> = new Set([...reasons, 'unconnected']);

const kinds: ReadonlySet<string> = new Set(['authentication-failed', 'authentication-throttled', 'request-refused']);

export function isDenied({ record, outcome }: Hit): boolean {
  const { fields } = record;
  const end = outcome?.fields ?? fields;
  if (kinds.has(fields.kind) || fields.decision?.effect === 'deny') return true;
  // What a rule holds was let through once a person approved it.
  if (fields.decision?.effect === 'hold' && end.outcome === 'refused') return true;
  return end.outcome === 'refused' && denying.has(end.reason ?? '');
}
