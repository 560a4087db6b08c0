/**
 * The tier and the tags of a tool, by what its definition says: verbs in its name, title and description, its arguments, its
 * annotations. It is a guess that errs on the side of danger: a word that deletes outweighs one that reads, and where
 * nothing tells what a tool does it counts as one that writes. A server can call a tool that deletes `get_report`, and
 * is believed then: what a tool may not do in any case belongs into a rule on its name.
 */
import type { ServerTrust, Tier, ToolTag } from '../pipeline/contracts/traits.ts';
import { asText, isObject, type JsonObject } from '../protocol/json.ts';
import { type ArgumentFacts, argumentsOf } from './arguments.ts';
import { evidenceOf, type TextEvidence } from './evidence.ts';
import { tagsOf } from './tags.ts';

export interface ToolClass {
  readonly tier: Tier;
  /** In the order of `toolTags`. */
  readonly tags: readonly ToolTag[];
  /** From 0, nothing says what it does, to 1. */
  readonly confidence: number;
  /** For people: what in the definition speaks for the tier. It quotes words of lists here, never the server. */
  readonly reason: string;
}

/** What the parts of this module know of a definition. */
export interface Definition {
  readonly texts: TextEvidence;
  readonly args: ArgumentFacts;
}

interface Found {
  readonly tier: Tier;
  readonly confidence: number;
  readonly reason: string;
}

const danger: Readonly<Record<Tier, number>> = { read: 0, write: 1, destructive: 2 };

/** About 50 µs for a tool of usual size; bounded for any other. Never throws. */
export function classify(definition: JsonObject, trust: ServerTrust = 'third-party'): ToolClass {
  const { name, title, description, inputSchema } = definition;
  const annotations = isObject(definition.annotations) ? definition.annotations : {};
  const args = argumentsOf(inputSchema);
  const texts = evidenceOf(
    { name: asText(name), title: asText(title) || asText(annotations.title), description: asText(description) },
    args,
  );
  const found = withAnnotations(raised(byVerbs(texts), texts, args, trust), annotations, texts, trust);
  return { ...found, tags: tagsOf({ texts, args }, found.tier) };
}

/** By the verbs of the name and of the beginning of the description. */
function byVerbs({ inName, leads, verb, leading }: TextEvidence): Found {
  if (inName === undefined && leads === undefined)
    return { tier: 'write', confidence: 0.2, reason: 'nothing in its definition says what it does' };
  const name = inName === undefined ? undefined : `its name says "${verb}"`;
  const text = leads === undefined ? undefined : `its description says "${leading}"`;
  if (inName === undefined) return { tier: leads ?? 'write', confidence: 0.7, reason: text ?? '' };
  if (leads === undefined) return { tier: inName, confidence: 0.8, reason: name ?? '' };
  if (leads === inName) return { tier: inName, confidence: 0.95, reason: `${name}, ${text}` };
  const tier = danger[leads] > danger[inName] ? leads : inName;
  return { tier, confidence: 0.6, reason: (tier === leads ? text : name) ?? '' };
}

/** What makes it more dangerous than its verbs say. */
function raised(found: Found, texts: TextEvidence, { choices }: ArgumentFacts, trust: ServerTrust): Found {
  const all: Found[] = [found];
  const { isRunning, claimsReadOnly, alsoDestroys, says } = texts;
  if (isRunning && !claimsReadOnly)
    all.push({ tier: 'destructive', confidence: 0.9, reason: 'it runs what the caller writes' });
  if (isRunning && claimsReadOnly) {
    // Whether a statement only reads is known to the server alone, and some have been led around their own check.
    const reason = 'it runs what the caller writes, and says that this only reads';
    return { tier: trust === 'third-party' ? 'write' : 'read', confidence: 0.6, reason };
  }
  if (alsoDestroys !== undefined)
    all.push({ tier: 'destructive', confidence: 0.7, reason: `its description says "${alsoDestroys}"` });
  if (says !== undefined && found.tier !== 'read')
    all.push({ tier: 'destructive', confidence: 0.8, reason: `its description says "${says}"` });
  if (choices !== undefined) {
    const reason = 'the values of an argument say what it does';
    if (choices.most === 'read' && found.confidence < 0.5) return { tier: 'read', confidence: 0.7, reason };
    all.push({ tier: choices.most, confidence: 0.8, reason });
  }
  return all.reduce((most, each) => (danger[each.tier] > danger[most.tier] ? each : most));
}

/** They raise a tier, and lower it only where the operator trusts the server. */
function withAnnotations(
  found: Found,
  { readOnlyHint, destructiveHint }: JsonObject,
  { inName, isRunning }: TextEvidence,
  trust: ServerTrust,
): Found {
  const annotated = (tier: Tier): Found => {
    const hint = tier === 'read' ? 'readOnlyHint' : 'destructiveHint';
    return { tier, confidence: 0.9, reason: `its annotations say ${hint}` };
  };
  if (trust !== 'third-party') {
    const tier = readOnlyHint === true ? 'read' : destructiveHint === false ? 'write' : undefined;
    // A partner is not believed against the name of its own tool.
    const isContradicted =
      trust === 'partner' && (isRunning || (inName !== undefined && danger[inName] > danger[tier ?? 'destructive']));
    if (tier !== undefined && destructiveHint !== true && !isContradicted && danger[tier] < danger[found.tier])
      return {
        tier,
        confidence: 0.9,
        reason: tier === 'read' ? 'its annotations say readOnlyHint' : 'its annotations deny destructiveHint',
      };
  }
  if (destructiveHint === true && found.tier !== 'destructive') return annotated('destructive');
  if (readOnlyHint === false && found.tier === 'read')
    return { tier: 'write', confidence: 0.7, reason: 'its annotations deny readOnlyHint' };
  return found;
}
