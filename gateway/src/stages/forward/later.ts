/** What a server makes of the answers to its input requests. */
import type { Step } from '../../pipeline/contracts/upstream.ts';

/** A server that was answered has a part of the call, whether or not the answer has reached it. */
export function later(step: Step): Step {
  if (step.kind !== 'failed') return step;
  const { failure } = step;
  const { kind } = failure;
  return kind === 'unavailable' || kind === 'timeout' || kind === 'misbehaved'
    ? { kind: 'failed', failure: { ...failure, sent: true } }
    : step;
}
