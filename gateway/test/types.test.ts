/**
 * What must not compile. The type checker reads this file with `npm run check`: a line below `@ts-expect-error` that compiles
 * is an error. Nothing here runs but the test at the end.
 */
import { test } from 'node:test';
import type { Snapshot } from '../src/pipeline/contracts/snapshot.ts';
import type { Step } from '../src/pipeline/contracts/upstream.ts';
import type { Delivered } from '../src/pipeline/deliver.ts';
import type {
  Allowed,
  Channel,
  Decided,
  Identified,
  Inspected,
  Intended,
  Limited,
  Reply,
  Resolved,
} from '../src/pipeline/exchange.ts';
import type { Standing } from '../src/pipeline/rights.ts';
import type { Stages } from '../src/pipeline/run.ts';
import type { JsonObject } from '../src/protocol/json.ts';

interface Given {
  readonly stages: Stages;
  readonly snapshot: Snapshot;
  readonly standing: Standing;
}

/** Only an exchange that was admitted, decided, allowed, inspected, limited and recorded can be forwarded. */
export function forwards(
  { stages, snapshot, standing }: Given,
  exchange: {
    readonly identified: Identified;
    readonly resolved: Resolved;
    readonly decided: Decided;
    readonly allowed: Allowed;
    readonly inspected: Inspected;
    readonly unlimited: Allowed<Inspected>;
    readonly unrecorded: Limited<Allowed<Inspected>>;
    readonly intended: Intended;
  },
): void {
  void stages.forward(exchange.intended, snapshot, standing);
  // @ts-expect-error: it was not recorded.
  void stages.forward(exchange.unrecorded, snapshot, standing);
  // @ts-expect-error: no limit was asked.
  void stages.forward(exchange.unlimited, snapshot, standing);
  // @ts-expect-error: the decision may be a denial.
  void stages.forward(exchange.inspected, snapshot, standing);
  // @ts-expect-error: its arguments were not inspected.
  void stages.forward(exchange.allowed, snapshot, standing);
  // @ts-expect-error: it is neither allowed nor inspected.
  void stages.forward(exchange.decided, snapshot, standing);
  // @ts-expect-error: it was not decided.
  void stages.forward(exchange.resolved, snapshot, standing);
  // @ts-expect-error: it was not admitted.
  void stages.resolve(exchange.identified, snapshot);
}

/** Only what passed `deliver` can be handed to a client. */
export function delivers(
  channel: Channel,
  said: JsonObject,
  passed: Delivered<JsonObject>,
  step: Step,
): readonly Reply[] {
  channel.notify('notifications/message', passed);
  // @ts-expect-error: a notification of a server.
  channel.notify('notifications/message', said);
  void channel.requestInput?.('elicitation/create', passed);
  // @ts-expect-error: an input request of a server.
  void channel.requestInput?.('elicitation/create', said);
  // @ts-expect-error: a result of a server.
  if (step.kind === 'result') return [{ kind: 'result', result: step.result }];
  // @ts-expect-error: an error of a server.
  return step.kind === 'error' ? [{ kind: 'error', error: step.error }] : [];
}

test('what must not compile is checked by npm run check', () => {});
