/** What the gateway says about itself and about the server behind an endpoint: `initialize` and `server/discover`. */

import type { Snapshot } from '../../pipeline/contracts/snapshot.ts';
import { type Deliver, ownWords } from '../../pipeline/deliver.ts';
import type { Identified, Reply } from '../../pipeline/exchange.ts';
import { reachAll } from '../../pipeline/reach.ts';
import { failureRefusal } from '../../pipeline/refusal.ts';
import { tasksExtension } from '../../pipeline/tasks.ts';
import { servedCapabilities } from '../../protocol/capabilities.ts';
import { agreedVersion } from '../../protocol/handshake.ts';
import type { Json, JsonObject } from '../../protocol/json.ts';
import { metaKeys } from '../../protocol/meta.ts';
import { version } from '../../protocol/product.ts';
import { type Era, modernVersions } from '../../protocol/versions.ts';
import { inBackground } from '../../telemetry/background.ts';

const portalInfo = { name: 'sallyport', title: 'Sallyport MCP gateway', version };
const portalInstructions = 'Tools and prompts of several servers. Each name begins with the name of its server.';

const everything = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};

/** Characters of the instructions of a server that clients get. */
const maxInstructions = 16_384;

interface Presentation {
  readonly info: JsonObject;
  readonly capabilities: JsonObject;
  readonly instructions?: string;
}

/** What stands behind the endpoint of an exchange, in the words of the era of its client. */
async function present(
  exchange: Identified,
  snapshot: Snapshot,
  era: Era,
  deliver: Deliver,
): Promise<Presentation | Reply> {
  const servers = reachAll(exchange, snapshot);
  if (exchange.endpoint.kind === 'portal') {
    // The servers begin to connect now, in the background, so that the list that follows finds them.
    for (const { upstream, isDisabled } of servers) {
      if (isDisabled) continue;
      const facts = upstream.facts();
      if (facts instanceof Promise) inBackground('connect server', facts);
    }
    return { info: portalInfo, capabilities: everything, instructions: portalInstructions };
  }
  const [reachable] = servers;
  if (reachable === undefined)
    return {
      kind: 'refused',
      refusal: { reason: 'endpoint-unknown', detail: `no connection to ${exchange.endpoint.server}` },
    };
  // Its client begins, and hears of the lists once there are any.
  if (reachable.isDisabled) return { info: { name: reachable.server, version: '' }, capabilities: everything };
  const facts = await reachable.upstream.facts();
  // A client that cannot begin would never get to the call that leads to the page.
  if ('failure' in facts && facts.failure.kind === 'account-required')
    return { info: { name: reachable.server, version: '' }, capabilities: everything };
  if ('failure' in facts) return { kind: 'refused', refusal: failureRefusal(reachable.server, facts.failure) };
  const instructions =
    facts.instructions === undefined ? undefined : await reachable.catalog.instructions(facts.instructions);
  const content: Presentation = {
    info: reachable.catalog.info(facts),
    capabilities: servedCapabilities(facts.capabilities, era),
    ...(instructions === undefined ? {} : { instructions }),
  };
  const delivery = await deliver({ kind: 'server-info', content }, { upstream: reachable.upstream });
  if (delivery.ok) return cut(delivery.content);
  const { inspector, detail } = delivery;
  const refusal = { reason: 'content-withheld' as const, server: reachable.server, detail: `${inspector}: ${detail}` };
  return { kind: 'refused', refusal };
}

/** Cut after the inspectors: they would not know the half of a text. */
function cut(presented: Presentation): Presentation {
  const { instructions } = presented;
  if (instructions === undefined || instructions.length <= maxInstructions) return presented;
  return { ...presented, instructions: instructions.slice(0, maxInstructions) };
}

export async function initialize(exchange: Identified, snapshot: Snapshot, deliver: Deliver): Promise<Reply> {
  const presented = await present(exchange, snapshot, 'legacy', deliver);
  if ('kind' in presented) return presented;
  const result: Record<string, Json> = {
    protocolVersion: agreedVersion(exchange.params),
    capabilities: presented.capabilities,
    serverInfo: presented.info,
  };
  if (presented.instructions !== undefined) result.instructions = presented.instructions;
  return { kind: 'result', result: ownWords<JsonObject>(result) };
}

export async function discover(exchange: Identified, snapshot: Snapshot, deliver: Deliver): Promise<Reply> {
  const presented = await present(exchange, snapshot, 'modern', deliver);
  if ('kind' in presented) return presented;
  const result: Record<string, Json> = {
    resultType: 'complete',
    supportedVersions: modernVersions,
    capabilities: snapshot.policy.holds
      ? { ...presented.capabilities, extensions: { [tasksExtension]: {} } }
      : presented.capabilities,
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [metaKeys.serverInfo]: presented.info },
  };
  if (presented.instructions !== undefined) result.instructions = presented.instructions;
  return { kind: 'result', result: ownWords<JsonObject>(result) };
}
