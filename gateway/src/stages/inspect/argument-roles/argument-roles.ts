/**
 * Holds arguments to the roles that the operator gives them: a path under its folders, a URL at its hosts, a number within its
 * bounds. What the rules, the record and the server see is the value in its one spelling.
 */
import type { ArgumentRole, SqlRole } from '../../../pipeline/contracts/argument-roles.ts';
import type { InboundVerdict, Inspector } from '../../../pipeline/contracts/inspector.ts';
import type { Json, JsonObject } from '../../../protocol/json.ts';
import { isRawJSON } from '../../../protocol/numbers.ts';
import type { InspectionThread } from '../beside/inspection-thread.ts';
import { judged } from './values.ts';

const maxProblems = 8;

interface Walk {
  readonly role: ArgumentRole;
  readonly now: number;
  readonly problems: string[];
  readonly statements: Statement[];
}

export function argumentRoles(thread: InspectionThread): Inspector {
  return {
    id: 'argument-roles',
    summary:
      'Holds paths, URLs, hosts, SQL, commands, HTML, identifiers, dates and numbers in arguments to what the operator says of them.',
    inbound({ kind, content }, exchange) {
      const roles = exchange.tool?.roles;
      if (roles === undefined || kind !== 'arguments') return undefined;
      const problems: string[] = [];
      const statements: Statement[] = [];
      let current: JsonObject = content;
      for (const { pointer, role } of roles)
        current = applied(current, pointer, {
          path: 'arguments',
          walk: { role, now: exchange.at, problems, statements },
        }) as JsonObject;
      const conclude = (): InboundVerdict => {
        const isChanged = current !== content;
        const verdict = problems.length > 0 ? 'refused' : isChanged ? 'changed' : 'clean';
        exchange.checks.add({ name: 'argument-roles', part: kind, verdict });
        if (problems.length > 0)
          return { refuse: { reason: 'arguments-invalid', problems: problems.slice(0, maxProblems) } };
        return isChanged ? { change: current } : undefined;
      };
      if (statements.length === 0 || problems.length > 0) return conclude();
      return judgeStatements(statements, { thread, owner: exchange.caller.key, problems }).then(conclude);
    },
  };
}

/** A text under the role `sql`, which is judged beside the loop. */
interface Statement {
  readonly path: string;
  readonly text: string;
  readonly role: SqlRole;
}

const maxStatements = 16;
const maxStatementLength = 32_768;
/** The first one waits for the thread and its parser to start. */
const statementMs = 5_000;

async function judgeStatements(
  statements: readonly Statement[],
  {
    thread,
    owner,
    problems,
  }: { readonly thread: InspectionThread; readonly owner: string; readonly problems: string[] },
): Promise<void> {
  if (statements.length > maxStatements) {
    problems.push(`arguments: must hold at most ${maxStatements} statements of SQL`);
    return;
  }
  for (const { path, text, role } of statements) {
    if (text.length > maxStatementLength) {
      problems.push(`${path}: must be SQL of at most ${maxStatementLength} characters`);
      continue;
    }
    const job = { kind: 'sql', text, role } as const;
    const done = await thread.run<'sql'>(job, { owner, chars: text.length, maxMs: statementMs });
    if (!done.ok) problems.push(`${path}: cannot be checked now`);
    else if (done.answer !== undefined) problems.push(`${path}: ${done.answer}`);
  }
}

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
  const { role } = walk;
  if (role.role === 'sql' && typeof value === 'string') {
    walk.statements.push({ path, text: value, role });
    return value;
  }
  const result = role.role === 'sql' ? notText : judged(value, role, walk.now);
  if (result.ok) return result.value;
  if (walk.problems.length < maxProblems) walk.problems.push(`${path}: ${result.problem}`);
  return value;
}

const notText = { ok: false, problem: 'must be a text' } as const;
