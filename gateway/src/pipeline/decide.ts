/** Stage 5. Completions are allowed exactly where the prompt or template that they complete could be. */
import { exact, type JsonObject } from '../protocol/json.ts';
import type { Decided, Received, Resumed } from './exchange.ts';

export function decide<Exchange extends Resumed>(exchange: Exchange): Exchange & Decided {
  const { capability, grants } = exchange;
  if (exchange.method === 'completion/complete') {
    const effect = grants.couldAllow(capability) ? 'allow' : 'deny';
    return { ...exchange, decision: { effect, reason: effect === 'allow' ? 'rule' : 'no-rule', errors: [] } };
  }
  const args = argumentsOf(exchange);
  const view = args !== undefined && exchange.rawNumbers ? (exact(args) as JsonObject) : args;
  return { ...exchange, decision: grants.decide(capability, view, exchange.at) };
}

export function argumentsOf(exchange: Received): JsonObject | undefined {
  const args = exchange.params.arguments;
  return typeof args === 'object' && args !== null ? (args as JsonObject) : undefined;
}
