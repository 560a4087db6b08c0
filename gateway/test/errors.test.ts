/** docs/errors.md says what the table of denials and the wire say, for every reason. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { denialKey, denials } from '../src/pipeline/denial.ts';
import { type Reason, type Refusal } from '../src/pipeline/refusal.ts';
import { toWire } from '../src/pipeline/wire-error.ts';

const detail = 'only for the operator';
const server = 's';
const samples: { readonly [Each in Reason]: Refusal & { readonly reason: Each } } = {
  'host-refused': { reason: 'host-refused' },
  'origin-refused': { reason: 'origin-refused' },
  'address-refused': { reason: 'address-refused' },
  'http-method': { reason: 'http-method', allowed: 'POST' },
  'media-type': { reason: 'media-type' },
  'content-encoding': { reason: 'content-encoding' },
  'not-acceptable': { reason: 'not-acceptable' },
  'credentials-in-query': { reason: 'credentials-in-query' },
  'path-unknown': { reason: 'path-unknown' },
  'body-too-large': { reason: 'body-too-large', limit: 1 },
  'bad-json': { reason: 'bad-json', fault: 'syntax' },
  'bad-message': { reason: 'bad-message', problem: 'p' },
  'bad-meta': { reason: 'bad-meta', key: 'k' },
  'header-mismatch': { reason: 'header-mismatch', header: 'h' },
  'unsupported-version': { reason: 'unsupported-version', requested: 'x', supported: [] },
  'unknown-method': { reason: 'unknown-method', method: 'm' },
  'batch-refused': { reason: 'batch-refused' },
  'stray-argument-header': { reason: 'stray-argument-header', header: 'h' },
  'credentials-missing': { reason: 'credentials-missing' },
  'credentials-invalid': { reason: 'credentials-invalid', cause: 'expired', detail },
  'too-many-failures': { reason: 'too-many-failures', seconds: 9 },
  'authentication-unavailable': { reason: 'authentication-unavailable', detail },
  'scope-missing': { reason: 'scope-missing', scopes: ['a'], detail },
  'session-unknown': { reason: 'session-unknown' },
  'endpoint-unknown': { reason: 'endpoint-unknown', detail },
  'capability-unknown': { reason: 'capability-unknown', what: 'tool', name: 'n', detail },
  'bad-params': { reason: 'bad-params', problem: 'p' },
  denied: { reason: 'denied', detail },
  held: { reason: 'held', detail },
  'approval-pending': { reason: 'approval-pending', id: 'ap_x', until: 0 },
  'approval-rejected': { reason: 'approval-rejected', id: 'ap_x', message: 'm' },
  'approval-over': { reason: 'approval-over', id: 'ap_x', state: 'consumed' },
  'too-many-approvals': { reason: 'too-many-approvals' },
  'arguments-invalid': { reason: 'arguments-invalid', problems: ['p'] },
  'state-invalid': { reason: 'state-invalid', cause: 'expired', detail },
  'capability-missing': { reason: 'capability-missing', required: 'elicitation' },
  'too-many-requests': { reason: 'too-many-requests', limit: 1 },
  'too-many-streams': { reason: 'too-many-streams', limit: 1 },
  'too-many-sessions': { reason: 'too-many-sessions', limit: 1 },
  'limit-reached': { reason: 'limit-reached', limit: 'l', seconds: 7, detail, verdicts: [] },
  'call-repeated': { reason: 'call-repeated', seconds: 7, times: 5 },
  'too-many-refusals': { reason: 'too-many-refusals', seconds: 7 },
  'server-limited': { reason: 'server-limited', server, seconds: 7, detail },
  'server-unavailable': { reason: 'server-unavailable', server, detail },
  'server-disabled': { reason: 'server-disabled', server, state: 'disabled', message: 'm', detail },
  'breaker-open': { reason: 'breaker-open', server, of: 'tool', seconds: 7, detail },
  'account-required': { reason: 'account-required', server, detail, prompt: { server, id: 'i' } },
  'server-timeout': { reason: 'server-timeout', server, detail },
  'server-misbehaved': { reason: 'server-misbehaved', server, detail },
  'call-unfinished': { reason: 'call-unfinished', server, how: 'timeout', repeatable: false, detail },
  'result-too-large': { reason: 'result-too-large', limit: 1 },
  'too-many-input-requests': { reason: 'too-many-input-requests', limit: 1 },
  'too-many-rounds': { reason: 'too-many-rounds', limit: 1 },
  'record-unavailable': { reason: 'record-unavailable', detail },
  'result-unrecorded': { reason: 'result-unrecorded', answered: true, detail },
  'content-blocked': { reason: 'content-blocked', guardrail: 'g', what: 'secrets/jwt at /text', detail },
  'content-held': { reason: 'content-held', guardrail: 'g', what: 'secrets/jwt at /text', detail },
  'content-withheld': { reason: 'content-withheld', server, detail },
  'right-ended': { reason: 'right-ended', cause: 'rule', detail },
  draining: { reason: 'draining' },
  cancelled: { reason: 'cancelled' },
  internal: { reason: 'internal', detail },
};

const reasons = Object.keys(samples) as Reason[];

test('B22: docs/errors.md has a line for each reason, with class, retryable and form', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'errors.md'), 'utf8');
  const rows = new Map(
    [...page.matchAll(/^\| `([a-z-]+)` \| ([a-z]+) \| ([a-z, ]+) \| ([^|]+) \|$/gm)].map(
      ([, reason = '', ...cells]) => [reason, cells.map((cell) => cell.trim())] as const,
    ),
  );
  for (const reason of reasons) {
    const { status, asToolResult } = toWire(samples[reason], { era: 'modern', reference: 'r' });
    const denial = denials[reason];
    const may = reason === 'call-unfinished' ? 'no, yes for what may be repeated' : denial.retryable ? 'yes' : 'no';
    const form = asToolResult ? 'tool result' : status === 200 ? 'JSON-RPC error' : `HTTP ${status}`;
    assert.deepEqual(
      rows.get(reason),
      [denial.class, may, form],
      `| \`${reason}\` | ${denial.class} | ${may} | ${form} |`,
    );
  }
  assert.deepEqual([...rows.keys()].toSorted(), reasons.toSorted());
});

test('B22: every denial of a caller carries class, retryable and reference, and nothing of the detail', () => {
  for (const reason of reasons)
    for (const era of ['modern', 'legacy'] as const) {
      const wire = toWire(samples[reason], { era, reference: 'the-reference' });
      if (denials[reason].bare === true) {
        assert.equal(wire.denial, undefined, reason);
        assert.ok(!JSON.stringify(wire).includes(denialKey), reason);
        continue;
      }
      const { _meta: meta } = wire.error.data as { _meta: Record<string, Record<string, unknown>> };
      const denial = meta[denialKey];
      assert.equal(denial?.['class'], denials[reason].class, reason);
      assert.equal(typeof denial?.['retryable'], 'boolean', reason);
      const alike = reason === 'capability-unknown' || reason === 'endpoint-unknown';
      assert.equal(denial?.['reference'], alike ? undefined : 'the-reference', reason);
      const after = wire.headers?.['retry-after'];
      assert.equal(denial?.['retryAfterSeconds'], after === undefined ? undefined : Number(after), reason);
      assert.ok(!JSON.stringify(wire).includes(detail), reason);
    }
});
