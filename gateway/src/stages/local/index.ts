/**
 * What the gateway answers itself. To add a method: its row in `protocol/methods.ts`, a file here, and a line in the list.
 */
import type { Snapshot } from '../../pipeline/contracts/snapshot.ts';
import { type Deliver, ownWords } from '../../pipeline/deliver.ts';
import type { Admitted, Reply } from '../../pipeline/exchange.ts';
import type { Inspect } from '../../pipeline/inspect.ts';
import type { Refusal } from '../../pipeline/refusal.ts';
import type { Rights } from '../../pipeline/rights.ts';
import type { Streams } from '../../pipeline/streams.ts';
import type { Tasks } from '../../pipeline/tasks.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { methods } from '../../protocol/methods.ts';
import { callConnectTool } from './account-tool.ts';
import { discover, initialize } from './handshake.ts';
import { type ListLog, list } from './lists.ts';
import { setLevel } from './set-level.ts';
import { listen } from './subscriptions-listen.ts';

/** What the answers need beside the exchange and the snapshot. */
export interface Local {
  readonly rights: Rights;
  readonly streams: Streams;
  readonly log: ListLog;
  readonly deliver: Deliver;
  readonly inspect: Inspect;
  readonly tasks: Pick<Tasks, 'answer'>;
  /** Records that a stream opens, before the client is told that it did. */
  readonly open: () => Promise<Refusal | undefined>;
}

type Answer = (exchange: Admitted, snapshot: Snapshot, local: Local) => Reply | Promise<Reply>;

/** By method, besides lists. */
const answers: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['initialize', (exchange, snapshot, { deliver }) => initialize(exchange, snapshot, deliver)],
  ['server/discover', (exchange, snapshot, { deliver }) => discover(exchange, snapshot, deliver)],
  ['subscriptions/listen', (exchange, _snapshot, local) => listen(exchange, local)],
  ['logging/setLevel', setLevel],
  ['tasks/get', (exchange, _snapshot, { tasks }) => tasks.answer(exchange)],
  ['tasks/update', (exchange, _snapshot, { tasks }) => tasks.answer(exchange)],
  ['tasks/cancel', (exchange, _snapshot, { tasks }) => tasks.answer(exchange)],
  ['ping', () => ({ kind: 'result', result: ownWords<JsonObject>({}) })],
  // Of the gateway's own tool.
  ['tools/call', callConnectTool],
]);

export async function answerLocally(exchange: Admitted, snapshot: Snapshot, local: Local): Promise<Reply> {
  const { method } = exchange;
  const kind = methods.get(method)?.list;
  if (kind !== undefined) return list(exchange, snapshot, { kind, log: local.log });
  const reply = answers.get(method)?.(exchange, snapshot, local);
  return reply ?? { kind: 'refused', refusal: { reason: 'unknown-method', method } };
}
