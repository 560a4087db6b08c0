/** What of an example crosses: its arguments to the server, its result to the client, through the inspectors of the road. */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { rolesOf, toldOf } from '../catalog/tools.ts';
import type { Revision } from '../config/revision.ts';
import type { Example } from '../config/schema/tests.ts';
import { Checks } from '../pipeline/checks.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { Seen } from '../pipeline/contracts/inspector.ts';
import type { Capability, Decision, Grants } from '../pipeline/contracts/policy.ts';
import { deliverThrough } from '../pipeline/deliver.ts';
import type { ToolFacts } from '../pipeline/exchange.ts';
import { inspectThrough } from '../pipeline/inspect.ts';
import { toWire } from '../pipeline/wire-error.ts';
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { modernVersion } from '../protocol/versions.ts';
import { openMasterKey } from '../secrets/master-key.ts';
import { derivedKey } from '../secrets/seal.ts';
import type { CompiledPolicy } from '../stages/decide/compile.ts';
import { createInspectionThread } from '../stages/inspect/beside/inspection-thread.ts';
import { createPlaceholders } from '../stages/inspect/guardrails/placeholders.ts';
import { inspectors } from '../stages/inspect/index.ts';

interface Parts {
  readonly revision: Revision;
  readonly policy: CompiledPolicy;
  readonly example: Example;
  readonly caller: Caller;
  readonly capability: Capability;
  readonly grants: Grants;
  readonly decision: Decision;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export type Crossing =
  | { readonly ok: false; readonly effect: 'block' | 'hold'; readonly because: string }
  | {
      readonly ok: true;
      readonly difference?: { readonly what: string; readonly expected: string; readonly actual: string };
    };

export async function crossing({ revision, policy, example, now, ...call }: Parts): Promise<Crossing> {
  const { caller, capability, grants, decision } = call;
  const all = inspectorsOf(revision, policy);
  const tool = toolOf(revision, example);
  const exchange: Seen = {
    at: now,
    caller,
    capability,
    grants,
    decision,
    checks: new Checks(),
    client: { era: 'modern', version: modernVersion, capabilities: {} },
    headers: undefined,
    rawNumbers: false,
    ...(tool !== undefined && { tool }),
  };
  const content = capability.type === 'resource' ? { uri: capability.uri } : (example.args ?? {});
  const sent = await inspectThrough(all)({ kind: 'arguments', content }, exchange);
  if (!sent.ok) {
    const effect = sent.refusal.reason === 'content-held' ? 'hold' : 'block';
    return { ok: false, effect, because: toWire(sent.refusal, { era: 'modern', reference: undefined }).error.message };
  }
  if (example.sends !== undefined && !isSame(sent.content, example.sends))
    return differing('of what the server gets', example.sends, sent.content);
  const { result, receives } = example;
  if (result === undefined || receives === undefined) return { ok: true };
  const whole = typeof result === 'string' ? { content: [{ type: 'text', text: result }] } : result;
  const upstream = { server: example.server, secrets: () => [] };
  const back = await deliverThrough(all)(
    { kind: 'result', method: 'tools/call', content: whole },
    { upstream, exchange },
  );
  const what = back.ok ? 'of what the client gets' : `withheld: ${back.detail}`;
  const got = !back.ok ? null : typeof receives === 'string' ? textOf(back.content) : back.content;
  return isSame(got, receives) ? { ok: true } : differing(what, receives, got);
}

function inspectorsOf({ configuration }: Revision, policy: CompiledPolicy): ReturnType<typeof inspectors> {
  // Without a data folder there are no fingerprints that an exception could name.
  const master = openMasterKey(configuration.data);
  const key = master.ok ? derivedKey(master.key, 'fingerprint') : randomBytes(32);
  return inspectors({
    fingerprintKey: key,
    placeholders: createPlaceholders(randomBytes(64)),
    guardrailsOf: (server) => policy.guardrailsOf(server),
    thread: createInspectionThread(),
    onFinding: () => undefined,
  });
}

/** What the configuration says of the tool: examples ask no server for its schema. */
function toolOf({ configuration }: Revision, { server, tool }: Example): ToolFacts | undefined {
  const config = configuration.servers[server];
  const told = tool === undefined || config === undefined ? undefined : toldOf(config, tool);
  if (told === undefined) return undefined;
  return {
    digest: '',
    tier: told.tier ?? 'write',
    tags: told.tags ?? [],
    isSafe: false,
    mirrored: [],
    repeatable: false,
    validate: () => undefined,
    ...rolesOf(told),
  };
}

function textOf(result: JsonObject): string {
  const blocks = Array.isArray(result.content) ? (result.content as readonly Json[]) : [];
  return blocks.map((block) => (isObject(block) && typeof block.text === 'string' ? block.text : '')).join('\n');
}

/** Placeholders are other ones for every key: they stand as `[[class]]`. */
function plain(value: Json): Json {
  const text = JSON.stringify(value).replace(/\[\[([a-z][\w-]{0,63}):[\w-]{43,1500}\]\]/g, '[[$1]]');
  return JSON.parse(text) as Json;
}

function isSame(a: Json, b: Json): boolean {
  return isDeepStrictEqual(plain(a), b);
}

function differing(what: string, expected: Json, actual: Json): Crossing {
  return { ok: true, difference: { what, expected: JSON.stringify(expected), actual: JSON.stringify(plain(actual)) } };
}
