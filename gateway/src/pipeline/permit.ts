/** Stage 5: whether a call that was decided goes on. */
import type { SpentApproval } from './contracts/approval.ts';
import type { Allowed, Decided } from './exchange.ts';
import { type Outcome, pass, type Refusal, refuse } from './refusal.ts';

/**
 * Other arguments of the tool might be let through. What a model can correct comes first then: the schema of a tool that is
 * listed for the caller gives nothing away.
 */
export function isCorrectable({ reason }: Refusal, { tool }: Decided): boolean {
  // What is held is inspected before a person is asked about it.
  return reason === 'held' || (tool !== undefined && reason === 'denied');
}

/** A rule holds the call, and what a person decided about it was spent on it. */
export function permitHeld<Exchange extends Decided>(
  exchange: Exchange & { readonly approval: SpentApproval },
): Allowed<Exchange> {
  return exchange as unknown as Allowed<Exchange>;
}

/** What the decision means for the call. */
export function permit<Exchange extends Decided>(exchange: Exchange): Outcome<Allowed<Exchange>> {
  const { decision, capability } = exchange;
  const { rule } = decision;
  const message = decision.message === undefined ? {} : { message: decision.message };
  const detail = (): string => (rule === undefined ? 'no rule matched' : `${rule.place} ${rule.text}`);
  switch (decision.effect) {
    case 'allow':
    case 'observe':
      if (exchange.heldBy !== undefined) return refuse({ reason: 'held', detail: exchange.heldBy.detail });
      return pass(exchange as Allowed<Exchange>);
    case 'hold':
      return refuse({ reason: 'held', detail: detail(), ...message });
    case 'deny':
      if (decision.scopes !== undefined)
        return refuse({ reason: 'scope-missing', scopes: decision.scopes, detail: detail() });
      // A resource that is denied must not be told from one that does not exist.
      return capability.type === 'resource'
        ? refuse({ reason: 'capability-unknown', what: 'resource', name: capability.uri, detail: detail() })
        : refuse({ reason: 'denied', detail: detail(), ...message });
  }
}
