/** What a server makes of the answers to its input requests. */
import type { Step } from '../../pipeline/contracts/upstream.ts';

/** A server that was answered has a part of the call, whether or not the answer has reached it. */
export function later(step: Step): Step {
  if (step.kind !== 'failed') return step;
  const { failure } = step;
  switch (failure.kind) {
    case 'unavailable':
    case 'timeout':
    case 'misbehaved':
      return { kind: 'failed', failure: { ...failure, sent: true } };
    case 'account-required':
      // The page would lead to a call that begins anew.
      return { kind: 'failed', failure: { kind: 'unavailable', detail: failure.detail, fault: 'none', sent: true } };
    case 'too-large':
    case 'cancelled':
      return step;
  }
}
