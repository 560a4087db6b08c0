/**
 * The one tool of the gateway itself. A server that wants to know its users lists nothing for a user without an account
 * there, so this stands in the place of its tools: calling it leads to the page on which the account is connected.
 */

import { aliasOf } from '../../pipeline/alias.ts';
import type { ListSnapshot, Snapshot } from '../../pipeline/contracts/snapshot.ts';
import { ownWords } from '../../pipeline/deliver.ts';
import type { Identified, Reply } from '../../pipeline/exchange.ts';
import { type ReachableServer, reachAll } from '../../pipeline/reach.ts';
import { failureRefusal } from '../../pipeline/refusal.ts';
import type { JsonObject } from '../../protocol/json.ts';

const name = 'sallyport_connect';
/** The name may be cut off in an alias of this length. */
const maxAliasLength = 64;

const tool = ownWords<JsonObject>({
  name,
  title: 'Connect your account',
  description: 'This server requires an account of yours. Call this tool to link it, then list the tools again.',
  inputSchema: { type: 'object', properties: {}, additionalProperties: false },
  annotations: { readOnlyHint: true, openWorldHint: false },
});

/** What a server lists for a user who has no account there yet. */
export const accountTools: ListSnapshot = { items: [tool], byName: new Map([[name, tool]]), views: new Map() };
export const accountNothing: ListSnapshot = { items: [], byName: new Map(), views: new Map() };

/** Is this a call of it, and not of a tool of some server that has such a name? */
export function isConnectTool(exchange: Identified, snapshot: Snapshot): boolean {
  const asked = exchange.params.name;
  if (exchange.method !== 'tools/call' || typeof asked !== 'string') return false;
  if (!asked.includes(name) && asked.length !== maxAliasLength) return false;
  return ownerOf(exchange, snapshot) !== undefined;
}

export async function callConnectTool(exchange: Identified, snapshot: Snapshot): Promise<Reply> {
  const owner = ownerOf(exchange, snapshot);
  if (owner === undefined)
    return { kind: 'refused', refusal: { reason: 'endpoint-unknown', detail: 'the server is gone' } };
  const facts = await owner.upstream.facts();
  if ('failure' in facts) return { kind: 'refused', refusal: failureRefusal(owner.server, facts.failure) };
  const content = [{ type: 'text', text: `Your account at ${owner.server} is connected. List the tools again.` }];
  const result: JsonObject = exchange.client.era === 'modern' ? { resultType: 'complete', content } : { content };
  return { kind: 'result', result: ownWords(result) };
}

/** The server whose account it connects. */
function ownerOf(exchange: Identified, snapshot: Snapshot): ReachableServer | undefined {
  const { endpoint, params } = exchange;
  return reachAll(exchange, snapshot).find(
    ({ server, upstream }) =>
      upstream.hasAccounts && params.name === (endpoint.kind === 'server' ? name : aliasOf(server, name)),
  );
}
