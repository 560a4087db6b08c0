/** Reads one list of a server, page by page, as far as the bounds go. */
import type { Bounds } from '../config/schema/index.ts';
import type { ListResult, Step } from '../pipeline/contracts/upstream.ts';
import { isObject, type Json, type JsonObject, plainNumber } from '../protocol/json.ts';
import { type ListKind, listMembers, listMethods } from '../protocol/methods.ts';
import { misbehaved } from './failures.ts';

interface Asking {
  /** Makes one call. */
  readonly ask: (method: string, params: JsonObject) => Promise<Step>;
  /** Text of the server as the operator may see it. */
  readonly shown: (text: string) => string;
}

/** All pages together are as large as one answer may be. `bounds` say how much is read. */
export async function readList(kind: ListKind, bounds: Bounds, { ask, shown }: Asking): Promise<ListResult> {
  const items: JsonObject[] = [];
  const seen = new Set<string>();
  let cursor: string | undefined;
  let ttl: number | undefined;
  let bytes = 0;
  for (let page = 0; page < bounds.listPages; page++) {
    const step = await ask(listMethods[kind], cursor === undefined ? {} : { cursor });
    if (step.kind === 'failed') return { ok: false, failure: step.failure };
    if (step.kind === 'error')
      return {
        ok: false,
        failure: misbehaved(`${listMethods[kind]} was answered with ${step.error.code}: ${shown(step.error.message)}`),
      };
    if (step.kind !== 'result') return { ok: false, failure: misbehaved(`${listMethods[kind]} answered no list`) };
    bytes += step.bytes;
    if (bytes > bounds.result) return { ok: false, failure: { kind: 'too-large', limit: bounds.result } };
    const entries = step.result[listMembers[kind]];
    if (!Array.isArray(entries)) return { ok: false, failure: misbehaved(`${listMethods[kind]} answered no list`) };
    for (const entry of entries as readonly Json[]) if (isObject(entry)) items.push(entry);
    if (items.length > bounds.listItems)
      return {
        ok: false,
        failure: misbehaved(`${listMethods[kind]} has more than ${bounds.listItems} entries`),
      };
    const { nextCursor: next } = step.result;
    const ttlMs = plainNumber(step.result.ttlMs);
    if (typeof ttlMs === 'number' && ttlMs >= 0) ttl = Math.min(ttl ?? ttlMs, ttlMs);
    // Some servers end a list with an empty cursor.
    if (typeof next !== 'string' || next === '') return { ok: true, items, ...(ttl === undefined ? {} : { ttl }) };
    // A cursor that comes back would be followed for ever.
    if (seen.has(next)) return { ok: false, failure: misbehaved(`${listMethods[kind]} repeats a cursor`) };
    seen.add(next);
    cursor = next;
  }
  return { ok: false, failure: misbehaved(`${listMethods[kind]} has more than ${bounds.listPages} pages`) };
}
