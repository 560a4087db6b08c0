/**
 * Holds arguments to the roles that the operator gives them: a path under its folders, a URL at its hosts, a number within its
 * bounds. What the rules, the record and the server see is the value in its one spelling.
 */
import type { ArgumentRole } from '../../../pipeline/contracts/argument-roles.ts';
import { defineInspector } from '../../../pipeline/contracts/inspector.ts';
import type { Json, JsonObject } from '../../../protocol/json.ts';
import { isRawJSON } from '../../../protocol/numbers.ts';
import { judged } from './values.ts';

const maxProblems = 8;

interface Walk {
  readonly role: ArgumentRole;
  readonly now: number;
  readonly problems: string[];
}

export const argumentRoles = defineInspector({
  id: 'argument-roles',
  summary:
    'Holds paths, URLs, hosts, identifiers, dates and numbers in arguments to where the operator says they must lie.',
  inbound({ kind, content }, { tool, at, checks }) {
    const roles = tool?.roles;
    if (roles === undefined || kind !== 'arguments') return undefined;
    const problems: string[] = [];
    let current: JsonObject = content;
    for (const { pointer, role } of roles)
      current = applied(current, pointer, { path: 'arguments', walk: { role, now: at, problems } }) as JsonObject;
    const isChanged = current !== content;
    const verdict = problems.length > 0 ? 'refused' : isChanged ? 'changed' : 'clean';
    checks.add({ name: 'argument-roles', part: kind, verdict });
    if (problems.length > 0)
      return { refuse: { reason: 'arguments-invalid', problems: problems.slice(0, maxProblems) } };
    return isChanged ? { change: current } : undefined;
  },
});

/** The value with what the pointer leads to as its role has it; the same value where nothing changes. */
function applied(value: Json, pointer: readonly string[], { path, walk }: { path: string; walk: Walk }): Json {
  const [part, ...rest] = pointer;
  if (part === undefined) return ofRole(value, path, walk);
  if (typeof value !== 'object' || value === null || isRawJSON(value)) return value;
  let isChanged = false;
  const each = (name: string, member: Json): Json => {
    if (part !== '*' && part !== name) return member;
    const left = applied(member, rest, { path: `${path}/${name}`, walk });
    if (left !== member) isChanged = true;
    return left;
  };
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item, index) => each(String(index), item));
    return isChanged ? items : value;
  }
  const members = Object.entries(value).map(([name, member]) => [name, each(name, member)] as const);
  return isChanged ? Object.fromEntries(members) : value;
}

/** A list of values has the role in each of its items. */
function ofRole(value: Json, path: string, walk: Walk): Json {
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item, index) => ofRole(item, `${path}/${index}`, walk));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  // What is left out is not there to be held to anything; `null` is the same for most.
  if (value === null) return value;
  const result = judged(value, walk.role, walk.now);
  if (result.ok) return result.value;
  if (walk.problems.length < maxProblems) walk.problems.push(`${path}: ${result.problem}`);
  return value;
}
