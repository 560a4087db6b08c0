/** What differs between the arguments of two calls, for a person who has approved the first and looks at the second. */
import { canonical } from '../../protocol/canonical.ts';
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';

export interface ArgumentChange {
  /** JSON pointer into the arguments. */
  readonly at: string;
  /** JSON, cut with a word about it; absent where there was nothing, or is nothing any more. */
  readonly before?: string;
  readonly after?: string;
}

export interface ArgumentChanges {
  readonly changes: readonly ArgumentChange[];
  /** More than are listed. */
  readonly more: number;
}

const maxChanges = 50;
const maxText = 200;
/** Comparisons, so that two large values are not looked at for long. */
const maxCompared = 20_000;

interface Walk {
  readonly changes: ArgumentChange[];
  compared: number;
  found: number;
}

export function argumentChanges(before: JsonObject, after: JsonObject): ArgumentChanges {
  const walk: Walk = { changes: [], compared: 0, found: 0 };
  compare(before, after, { at: '', walk });
  return { changes: walk.changes, more: walk.found - walk.changes.length };
}

function compare(before: Json | undefined, after: Json | undefined, { at, walk }: { at: string; walk: Walk }): void {
  walk.compared++;
  if (before !== undefined && after !== undefined && walk.compared < maxCompared) {
    const members = membersOf(before, after);
    if (members !== undefined) {
      for (const [name, old, now] of members)
        compare(old, now, { at: `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, walk });
      return;
    }
    if (canonical(before) === canonical(after)) return;
  }
  if (before === undefined && after === undefined) return;
  walk.found++;
  if (walk.changes.length >= maxChanges) return;
  walk.changes.push({
    at,
    ...(before !== undefined && { before: short(before) }),
    ...(after !== undefined && { after: short(after) }),
  });
}

type Member = readonly [name: string, before: Json | undefined, after: Json | undefined];

/** Of two objects or two lists; undefined where they are compared as they are. */
function membersOf(before: Json, after: Json): readonly Member[] | undefined {
  if (Array.isArray(before) && Array.isArray(after)) {
    const [old, now] = [before as readonly Json[], after as readonly Json[]];
    return Array.from({ length: Math.max(old.length, now.length) }, (_, at): Member => [String(at), old[at], now[at]]);
  }
  if (!isObject(before) || !isObject(after)) return undefined;
  const names = new Set([...Object.keys(after), ...Object.keys(before)]);
  const own = (value: JsonObject, name: string): Json | undefined =>
    Object.hasOwn(value, name) ? value[name] : undefined;
  return [...names].map((name): Member => [name, own(before, name), own(after, name)]);
}

function short(value: Json): string {
  const text = canonical(value);
  return text.length <= maxText ? text : `${text.slice(0, maxText)}… (${text.length} characters)`;
}
