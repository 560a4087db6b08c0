/** What a tool is: as the operator says, and by its definition where the operator says nothing. */
import type { ServerConfig } from '../config/schema/servers.ts';
import type { Tier, ToolTag, ToolTraits } from '../pipeline/contracts/traits.ts';
import { asText, isObject, type JsonObject } from '../protocol/json.ts';
import { classify } from '../tiers/classify.ts';
import { toldOf } from './tools.ts';

/** Of a tool whose definition is known. */
export interface KnownTraits extends ToolTraits {
  readonly tier: Tier;
  readonly tags: readonly ToolTag[];
}

export type TraitsReader = (definition: JsonObject) => KnownTraits;

/** Reads each definition once. */
export function traitsReader(config: ServerConfig): TraitsReader {
  const known = new WeakMap<JsonObject, KnownTraits>();
  return (definition) => {
    const read = known.get(definition);
    if (read !== undefined) return read;
    const found = classify(definition, config.trust);
    const told = toldTraits(config, asText(definition.name));
    const traits = { tier: told.tier ?? found.tier, tags: told.tags ?? found.tags };
    known.set(definition, traits);
    return traits;
  };
}

/** What the configuration alone says. */
export function toldTraits(config: ServerConfig, tool: string): ToolTraits {
  const told = toldOf(config, tool);
  const tier = told?.tier ?? config.tier;
  return { ...(tier !== undefined && { tier }), ...(told?.tags !== undefined && { tags: told.tags }) };
}

/** The operator says that it only reads. What its definition says is a guess, upon which no call is made once more. */
export function isSafe(config: ServerConfig, tool: string): boolean {
  return toldTraits(config, tool).tier === 'read';
}

/** Making a call once more changes nothing more, as the operator or the server says. */
export function isRepeatable(config: ServerConfig, { name, annotations }: JsonObject): boolean {
  const { readOnlyHint, idempotentHint } = isObject(annotations) ? annotations : {};
  return isSafe(config, asText(name)) || readOnlyHint === true || idempotentHint === true;
}
