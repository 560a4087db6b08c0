/** The precedence of rules. Pure: takes what matched, returns the decision. */
import type { Decision } from '../../pipeline/contracts/policy.ts';
import { type Rule, rank } from './rule.ts';

/** The strongest rule of each kind so far. */
export interface Tally {
  enforced: Rule | undefined;
  /** Of connections that only observe. */
  observedOpening: Rule | undefined;
  observedClosing: Rule | undefined;
}

export function emptyTally(): Tally {
  return { enforced: undefined, observedOpening: undefined, observedClosing: undefined };
}

export function count(tally: Tally, rule: Rule): void {
  if (!rule.observed) tally.enforced = stronger(tally.enforced, rule);
  else if (rule.closing) tally.observedClosing = stronger(tally.observedClosing, rule);
  else tally.observedOpening = stronger(tally.observedOpening, rule);
}

export function stronger(a: Rule | undefined, b: Rule): Rule {
  if (a === undefined) return b;
  return rank[b.effect] > rank[a.effect] || (b.effect === a.effect && b.order < a.order) ? b : a;
}

/**
 * A connection that only observes lets through what it would deny or hold, but softens no other one. Where an enforcing
 * connection leads from the same caller to the same server as well, its denials and holds stand, and the observing one
 * opens no more than its own allow lines say; what it would close is then observed on calls that are allowed anyway.
 */
export function conclude(tally: Tally, mode: 'enforce' | 'observe', errors: readonly string[]): Decision {
  const { enforced, observedOpening, observedClosing } = tally;
  const base = observedOpening === undefined ? enforced : stronger(enforced, observedOpening);
  if (base !== undefined && base.closing) return byRule(base, errors);
  if (mode === 'enforce' && base === undefined) return { effect: 'deny', reason: 'no-rule', errors };
  if (observedClosing !== undefined)
    return {
      effect: 'observe',
      reason: 'rule',
      rule: observedClosing.reference,
      observed: observedClosing.effect === 'hold' ? 'hold' : 'deny',
      errors,
    };
  if (base === undefined) return { effect: 'observe', reason: 'no-rule', observed: 'deny', errors };
  return byRule(base, errors);
}

export function byRule(rule: Rule, errors: readonly string[]): Decision {
  const { approval, covers, effect, message, reference } = rule;
  const base: Decision = { effect, reason: 'rule', rule: reference, errors };
  const decision = approval === undefined ? base : { ...base, approval, ...(covers && { covers }) };
  return rule.closing && message !== undefined ? { ...decision, message } : decision;
}
