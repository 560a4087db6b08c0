/** What the connections that lead from a caller to a server say together, beside their rules. */
import type { ClientRequestKind, Grants } from '../../pipeline/contracts/policy.ts';
import type { CompiledConnection } from './grants.ts';

/** What one connection does not list is left out, whatever another one lists. */
export function contentOf(connections: readonly CompiledConnection[]): Pick<Grants, 'content'> {
  const types = listedByAll(connections.map(({ config }) => config.content));
  const schemes = listedByAll(connections.map(({ config }) => config.schemes));
  if (types === undefined && schemes === undefined) return {};
  return { content: { ...(types !== undefined && { types }), ...(schemes !== undefined && { schemes }) } };
}

function listedByAll(lists: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  const given = lists.filter((list) => list !== undefined);
  return given[0]?.filter((each) => given.every((list) => list.includes(each)));
}

const requestDefaults: Readonly<Record<ClientRequestKind, 'allow' | 'deny'>> = {
  elicitation: 'allow',
  sampling: 'deny',
  roots: 'deny',
};

/** Deny beats allow across connections; what none of them mentions has its default. */
export function requestsOf(
  connections: readonly CompiledConnection[],
): Readonly<Record<ClientRequestKind, 'allow' | 'deny'>> {
  const one = (kind: ClientRequestKind): 'allow' | 'deny' => {
    const said = connections.flatMap(({ config }) => config.requests[kind] ?? []);
    if (said.includes('deny')) return 'deny';
    return said.includes('allow') ? 'allow' : requestDefaults[kind];
  };
  return { elicitation: one('elicitation'), sampling: one('sampling'), roots: one('roots') };
}
