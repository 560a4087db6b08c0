/** Whether a call that was decided goes on: what the decision says (stage 5), and what its arguments are (stage 7). */
import { type JsonObject, settled } from '../protocol/json.ts';
import { argumentMismatch } from '../protocol/mirrored-headers.ts';
import { argumentsOf } from './decide.ts';
import type { Decided } from './exchange.ts';
import { type Outcome, pass, type Refusal, refuse } from './refusal.ts';

/**
 * Other arguments of the tool might be let through. What a model can correct comes first then: the schema of a tool that is
 * listed for the caller gives nothing away.
 */
export function isCorrectable({ reason }: Refusal, { tool }: Decided): boolean {
  return tool !== undefined && (reason === 'denied' || reason === 'held');
}

/** What the decision means for the call. */
export function permit(exchange: Decided): Outcome<Decided> {
  const { decision, capability } = exchange;
  const { rule } = decision;
  const message = decision.message === undefined ? {} : { message: decision.message };
  const detail = (): string => (rule === undefined ? 'no rule matched' : `${rule.place} ${rule.text}`);
  switch (decision.effect) {
    case 'allow':
    case 'observe':
      return pass(exchange);
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

/** Stage 7: arguments against the input schema, and the headers that mirror them. */
export function inspectIn(exchange: Decided): Outcome<Decided> {
  const { tool, headers } = exchange;
  if (tool === undefined) return pass(exchange);
  const args = argumentsOf(exchange) ?? {};
  if (headers !== undefined && exchange.client.era === 'modern' && tool.mirrored.length > 0) {
    const header = argumentMismatch(headers, tool.mirrored, args);
    if (header !== undefined) return refuse({ reason: 'header-mismatch', header });
  }
  const problems = tool.validate(exchange.rawNumbers ? (settled(args) as JsonObject) : args);
  return problems === undefined ? pass(exchange) : refuse({ reason: 'arguments-invalid', problems });
}
