/** Stage 7: what a client sends passes every inspector before a server gets it. */

import type { JsonObject } from '../protocol/json.ts';
import type { Inspector, Sent } from './contracts/inspector.ts';
import { argumentsOf } from './decide.ts';
import type { Decided, Inspected } from './exchange.ts';
import { type Outcome, pass, type Refusal, refuse } from './refusal.ts';

/** What passed, and whether an inspector changed it. */
export type Passed =
  | { readonly ok: true; readonly content: JsonObject }
  | { readonly ok: false; readonly refusal: Refusal };

/** Answers at once unless an inspector takes its time. */
export type Inspect = (sent: Sent, exchange: Decided) => Passed | Promise<Passed>;

/** The inspectors work in their order, each on what the one before it left. */
export function inspectThrough(inspectors: readonly Inspector[]): Inspect {
  const inbound = inspectors.filter((inspector) => inspector.inbound !== undefined);

  function from(first: number, sent: Sent, exchange: Decided): Passed | Promise<Passed> {
    let current = sent;
    for (let index = first; index < inbound.length; index++) {
      const verdict = inbound[index]?.inbound?.(current, exchange);
      if (verdict === undefined) continue;
      if (verdict instanceof Promise)
        return verdict.then((late) => {
          if (late !== undefined && 'refuse' in late) return refuse(late.refuse);
          return from(index + 1, late === undefined ? current : { ...current, content: late.change }, exchange);
        });
      if ('refuse' in verdict) return refuse(verdict.refuse);
      current = { ...current, content: verdict.change };
    }
    return { ok: true, content: current.content };
  }
  return (sent, exchange) => from(0, sent, exchange);
}

const none: JsonObject = {};

/** The exchange with the arguments that the inspectors leave. `again`: they changed them, and it is to be decided anew. */
export function inspectArguments(
  exchange: Decided,
  inspect: Inspect,
): Outcome<Inspected> | Promise<Outcome<Inspected>> {
  const content = argumentsOf(exchange) ?? none;
  const passed = inspect({ kind: 'arguments', content }, exchange);
  const conclude = (result: Passed): Outcome<Inspected> => {
    if (!result.ok) return result;
    return pass((result.content === content ? exchange : withArguments(exchange, result.content)) as Inspected);
  };
  return passed instanceof Promise ? passed.then(conclude) : conclude(passed);
}

/** What is decided on, forwarded and recorded is the same: what the inspectors left. */
function withArguments(exchange: Decided, content: JsonObject): Decided {
  return {
    ...exchange,
    params: { ...exchange.params, arguments: content },
    outbound: { ...exchange.outbound, arguments: content },
  };
}
