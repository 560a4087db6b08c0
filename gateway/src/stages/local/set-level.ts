/** `logging/setLevel` (2025-11-25): for the session, and for every server behind its endpoint. */
import type { Snapshot } from '../../pipeline/contracts/snapshot.ts';
import { ownWords } from '../../pipeline/deliver.ts';
import type { Identified, Reply } from '../../pipeline/exchange.ts';
import { reachAll } from '../../pipeline/reach.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { logLevels } from '../../protocol/methods.ts';

export function setLevel(exchange: Identified, snapshot: Snapshot): Reply {
  const { level } = exchange.params;
  if (typeof level !== 'string' || !logLevels.includes(level))
    return { kind: 'refused', refusal: { reason: 'bad-params', problem: 'params.level must be a log level' } };
  const { session } = exchange.client;
  if (session !== undefined) {
    session.logLevel = level;
    for (const { upstream } of reachAll(exchange, snapshot)) upstream.setLevel(level, session.digest);
  }
  return { kind: 'result', result: ownWords<JsonObject>({}) };
}
