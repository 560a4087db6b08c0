/** What commands can know of a tool: what the configuration says, and the definition that a gateway or `server discover` has seen. */
import { presented } from '../catalog/presented.ts';
import { toldTraits } from '../catalog/traits.ts';
import type { Configuration } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import { openExistingPinStore } from '../pins/store.ts';
import type { ToolTraits } from '../pipeline/contracts/traits.ts';
import { asText, type JsonObject } from '../protocol/json.ts';
import { classify } from '../tiers/classify.ts';

export interface ShownTraits extends ToolTraits {
  /** Where the tier is from, for people. */
  readonly why: string;
  /** Of what was found in the definition. */
  readonly confidence?: number;
}

/** `definition`: `undefined` where none was seen. */
export function shownTraits(
  config: ServerConfig | undefined,
  tool: string,
  definition: JsonObject | undefined,
): ShownTraits {
  const told = config === undefined ? {} : toldTraits(config, tool);
  const shown = definition === undefined || config === undefined ? definition : presented('tools', definition, config);
  const found = shown === undefined ? undefined : classify(shown, config?.trust);
  if (told.tier !== undefined) return { ...(found && { tags: found.tags }), ...told, why: 'the configuration says so' };
  if (found === undefined) return { ...told, why: 'no definition of it was seen' };
  const { tier, tags, reason, confidence } = found;
  return { tier, tags, ...told, why: reason, confidence };
}

/** By the definition that was approved last, or else the one that was seen last. */
export function traitsOfTool({ servers, data }: Configuration, server: string, tool: string): ShownTraits {
  const config = Object.hasOwn(servers, server) ? servers[server] : undefined;
  return shownTraits(config, tool, seenDefinition(data, server, tool));
}

function seenDefinition(data: string, server: string, tool: string): JsonObject | undefined {
  const store = openExistingPinStore(data);
  if (store === undefined) return undefined;
  try {
    const rows = store.all(server).filter(({ kind, name }) => kind === 'tools' && name === tool);
    const current = store.current(server, 'tools')?.get(tool);
    const approved = rows.filter(({ state }) => state === 'approved');
    const row =
      approved.find(({ digest }) => digest === current) ??
      approved.toSorted((a, b) => (b.decision?.at ?? 0) - (a.decision?.at ?? 0))[0] ??
      rows.find(({ digest }) => digest === current);
    return row !== undefined && asText(row.content.name) === tool ? row.content : undefined;
  } finally {
    store.close();
  }
}

/** `destructive, execution network: its name says "run"`. */
export function traitsLine({ tier, tags, why, confidence }: ShownTraits): string {
  const reached = tags === undefined || tags.length === 0 ? '' : `, ${tags.join(' ')}`;
  const sure = confidence === undefined ? '' : ` (${Math.round(confidence * 100)} % sure)`;
  return `${tier ?? 'unknown'}${reached}: ${why}${sure}`;
}
