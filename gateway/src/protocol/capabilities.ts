/**
 * Capabilities as they cross the gateway: only what it understands and what the policy lets through. Extensions and
 * experimental entries are dropped on both sides, as nothing here could inspect what they bring.
 */
import { isObject, type Json, type JsonObject } from './json.ts';
import type { Era } from './versions.ts';

type Asking = Readonly<Record<'elicitation' | 'sampling' | 'roots', 'allow' | 'deny'>>;

const flags = {
  form: 1,
  url: 2,
  sampling: 4,
  samplingTools: 8,
  samplingContext: 16,
  roots: 32,
  rootsChanged: 64,
} as const;

/** One frozen object for each of the few combinations, so that equal capabilities are the same object. */
const known = new Map<number, JsonObject>();
const keys = new WeakMap<JsonObject, string>();

/** What a server may be told of a client: what the client declared and the policy allows. */
export function offeredCapabilities(declared: JsonObject, asking: Asking): JsonObject {
  let mask = 0;
  const { elicitation, sampling, roots } = declared;
  if (asking.elicitation === 'allow' && isObject(elicitation)) {
    // An empty declaration means forms only (2025-11-25 and 2026-07-28, elicitation, capabilities).
    if (isObject(elicitation.form) || !isObject(elicitation.url)) mask |= flags.form;
    if (isObject(elicitation.url)) mask |= flags.url;
  }
  if (asking.sampling === 'allow' && isObject(sampling)) {
    mask |= flags.sampling;
    if (isObject(sampling.tools)) mask |= flags.samplingTools;
    if (isObject(sampling.context)) mask |= flags.samplingContext;
  }
  if (asking.roots === 'allow' && isObject(roots)) {
    mask |= flags.roots;
    if (roots.listChanged === true) mask |= flags.rootsChanged;
  }
  const cached = known.get(mask);
  if (cached !== undefined) return cached;
  const built = Object.freeze(build(mask));
  known.set(mask, built);
  keys.set(built, String(mask));
  return built;
}

function build(mask: number): JsonObject {
  const capabilities: Record<string, Json> = {};
  const has = (flag: number): boolean => (mask & flag) !== 0;
  if (has(flags.form | flags.url))
    capabilities.elicitation = { ...(has(flags.form) ? { form: {} } : {}), ...(has(flags.url) ? { url: {} } : {}) };
  if (has(flags.sampling))
    capabilities.sampling = {
      ...(has(flags.samplingTools) ? { tools: {} } : {}),
      ...(has(flags.samplingContext) ? { context: {} } : {}),
    };
  if (has(flags.roots)) capabilities.roots = has(flags.rootsChanged) ? { listChanged: true } : {};
  return capabilities;
}

/** A short text that is equal for equal capabilities. */
export function capabilityKey(capabilities: JsonObject): string {
  return keys.get(capabilities) ?? JSON.stringify(capabilities);
}

/**
 * What the gateway declares towards a client in the name of a server. Lists change when the policy does, so changes are
 * always announced; `logging` has no meaning in the capabilities of the modern era's subscriptions but stays declared.
 */
export function servedCapabilities(upstream: JsonObject, era: Era): JsonObject {
  const served: Record<string, Json> = {};
  if (isObject(upstream.tools)) served.tools = { listChanged: true };
  if (isObject(upstream.prompts)) served.prompts = { listChanged: true };
  if (isObject(upstream.resources))
    served.resources = { listChanged: true, ...(upstream.resources.subscribe === true ? { subscribe: true } : {}) };
  if (isObject(upstream.completions)) served.completions = {};
  // A legacy client is served log messages of a modern server as well, which need no declaration there.
  if (
    isObject(upstream.logging) ||
    (era === 'legacy' && upstream.logging === undefined && Object.keys(upstream).length > 0)
  )
    served.logging = {};
  return served;
}

/** A server that has no tools, prompts or resources at all. */
export function hasNoLists({ tools, prompts, resources }: JsonObject): boolean {
  return [tools, prompts, resources].every((each) => !isObject(each));
}
