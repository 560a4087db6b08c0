/** What a person needs to decide about definitions: what waits, what it was before, and what else speaks about it. */
import { canonical } from '../protocol/canonical.ts';
import { asText, isObject } from '../protocol/json.ts';
import { pinnedKinds } from '../protocol/pinned-kinds.ts';
import { type Change, changesBetween } from './compare.ts';
import { shadowed } from './shadows.ts';
import type { PinStore, Stored } from './store.ts';

export type ReviewState = 'approved' | 'pending' | 'changed' | 'missing' | 'rejected';

export interface Reviewed {
  readonly stored: Stored;
  readonly state: ReviewState;
  /** The approved definition of this name that was approved last. */
  readonly approved?: Stored;
}

export interface Review extends Reviewed {
  readonly changes: readonly Change[];
  readonly findings: readonly string[];
  /** Definitions of other servers that it could be taken for. */
  readonly shadows: readonly string[];
  /** Names of other tools of which its texts speak. */
  readonly mentions: readonly string[];
  /** A definition that is gone, and that this one may be under another name. */
  readonly renamedFrom?: string;
}

/** One row for each definition, in the order of servers, kinds and names. */
export function reviewed(store: PinStore, server?: string): readonly Reviewed[] {
  const rows = store.all(server);
  const lists = new Map<string, ReadonlyMap<string, string>>();
  const isListed = (row: Stored): boolean => {
    const key = `${row.server} ${row.kind}`;
    let list = lists.get(key);
    if (list === undefined) lists.set(key, (list = store.current(row.server, row.kind) ?? new Map()));
    return list.has(row.name);
  };
  const approved = new Map<string, Stored>();
  for (const row of rows)
    if (row.state === 'approved' && (row.decision?.at ?? 0) >= (approved.get(nameOf(row))?.decision?.at ?? 0))
      approved.set(nameOf(row), row);
  return rows
    .map((stored): Reviewed => {
      const before = approved.get(nameOf(stored));
      const state = stateOf(stored, { hasApproved: before !== undefined, isListed: isListed(stored) });
      return { stored, state, ...(before !== undefined && before !== stored && { approved: before }) };
    })
    .toSorted((a, b) => order(a.stored, b.stored));
}

function stateOf(
  { state }: Stored,
  { hasApproved, isListed }: { readonly hasApproved: boolean; readonly isListed: boolean },
): ReviewState {
  if (state === 'rejected') return 'rejected';
  if (state === 'approved') return isListed ? 'approved' : 'missing';
  return hasApproved ? 'changed' : 'pending';
}

function nameOf({ server, kind, name }: Stored): string {
  return JSON.stringify([server, kind, name]);
}

function order(a: Stored, b: Stored): number {
  return (
    compare(a.server, b.server) ||
    pinnedKinds.indexOf(a.kind) - pinnedKinds.indexOf(b.kind) ||
    compare(a.name, b.name) ||
    a.seenAt - b.seenAt
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Everything about one of them. `suspect`: what detectors say. */
export function reviewOf(
  row: Reviewed,
  all: readonly Reviewed[],
  suspect: (content: Stored['content']) => readonly string[],
): Review {
  const { stored, approved } = row;
  const tools = all.filter(({ stored: { kind } }) => kind === 'tools').map((each) => each.stored);
  const shadows = stored.kind === 'tools' ? shadowed(stored, tools) : [];
  const others = tools.filter(
    ({ server, name }) => server !== stored.server && name !== stored.name && isDistinctive(name),
  );
  const text = JSON.stringify(stored.content);
  const from = row.state === 'pending' ? renamedFrom(stored, all) : undefined;
  return {
    ...row,
    changes: approved === undefined ? [] : changesBetween(approved.content, stored.content),
    findings: suspect(stored.content),
    shadows: [...new Set(shadows.map(({ server, name, how }) => `${how} ${server}/${name}`))],
    mentions: [
      ...new Set(others.filter(({ name }) => text.includes(name)).map(({ server, name }) => `${server}/${name}`)),
    ],
    ...(from !== undefined && { renamedFrom: from }),
  };
}

/** A name of several words: a text that has it means the tool. */
function isDistinctive(name: string): boolean {
  return name.length >= 8 && /[_-]|[a-z][A-Z]/.test(name);
}

/** The name of an approved tool that is gone and accepted exactly what this one accepts. */
function renamedFrom({ server, kind, content, name }: Stored, all: readonly Reviewed[]): string | undefined {
  const schema = schemaOf(content);
  if (schema === undefined) return undefined;
  const gone = all.filter(
    ({ state, stored }) =>
      state === 'missing' && stored.server === server && stored.kind === kind && stored.name !== name,
  );
  return gone.find(({ stored }) => schemaOf(stored.content) === schema)?.stored.name;
}

function schemaOf({ inputSchema, arguments: args }: Stored['content']): string | undefined {
  if (isObject(inputSchema) && isObject(inputSchema.properties) && Object.keys(inputSchema.properties).length > 0)
    return canonical(inputSchema);
  return Array.isArray(args) && args.length > 0 ? asText(canonical(args)) : undefined;
}
