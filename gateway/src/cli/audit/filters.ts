/** Values that a search may ask for, so that a misspelt one is not taken for one that no record has. */

import type { ExchangeEnd } from '../../pipeline/contracts/audit.ts';
import type { Decision } from '../../pipeline/contracts/policy.ts';
import type { ExchangeKind, NoteHead } from '../../stages/record/record/message.ts';

/** The compiler names what is missing here. */
const kinds: Readonly<Record<NoteHead['kind'] | Exclude<ExchangeKind, 'outcome'>, true>> = {
  intent: true,
  exchange: true,
  'client-request': true,
  start: true,
  stop: true,
  revision: true,
  'key-created': true,
  'key-revoked': true,
  'authentication-failed': true,
  'authentication-succeeded': true,
  'authentication-throttled': true,
  'request-refused': true,
  'secret-put': true,
  'secret-rotated': true,
  'secret-removed': true,
  'credential-state': true,
  'credential-standby': true,
  'account-started': true,
  'account-connected': true,
  'account-refused': true,
  'account-disconnected': true,
  'issuer-changed': true,
  'issuer-agreed': true,
  'server-status': true,
  'server-breaker': true,
  'server-control': true,
  'server-health': true,
  'server-identity': true,
  'approval-pending': true,
  'approval-approved': true,
  'approval-viewed': true,
  'operator-created': true,
  'operator-changed': true,
  'operator-revoked': true,
  'operator-signed-in': true,
  'operator-refused': true,
  'operator-passkey': true,
  'operator-password': true,
  'operator-token': true,
  'operator-session': true,
  'approval-rejected': true,
  'approval-expired': true,
  'approval-consumed': true,
  'approval-withdrawn': true,
  'definition-pending': true,
  'definition-approved': true,
  'definition-rejected': true,
  'log-key': true,
  'master-key': true,
  erasure: true,
  recovered: true,
  retention: true,
  export: true,
  heartbeat: true,
  lost: true,
  clock: true,
  'subject-key-replaced': true,
  stall: true,
  crash: true,
  'limit-warning': true,
};

const outcomes: Readonly<Record<ExchangeEnd['outcome'], true>> = {
  answered: true,
  'tool-error': true,
  error: true,
  refused: true,
  cancelled: true,
  unknown: true,
};

const decisions: Readonly<Record<Decision['effect'], true>> = { allow: true, deny: true, hold: true, observe: true };

const known = { kind: kinds, outcome: outcomes, decision: decisions } as const;

/** A sentence about the first value that cannot be; `undefined` when there is none. */
export function misspelt(given: { readonly [Name in keyof typeof known]?: string }): string | undefined {
  for (const name of ['kind', 'outcome', 'decision'] as const) {
    const value = given[name];
    if (value === undefined || Object.hasOwn(known[name], value)) continue;
    // Its fields are shown with the intent.
    const hint = name === 'kind' && value === 'outcome' ? ' (the record of an outcome is found with its intent)' : '';
    return `--${name} ${value} is not one of ${Object.keys(known[name]).join(', ')}${hint}`;
  }
  return undefined;
}
