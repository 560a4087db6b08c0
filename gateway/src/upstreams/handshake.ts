/** What a server says of itself in answer to `server/discover` or `initialize`, and what a refusal of either means. */
import type { ServerFacts, Step, UpstreamFailure } from '../pipeline/contracts/upstream.ts';
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { metaKeys, metaOf } from '../protocol/meta.ts';
import { type Era, isLegacyVersion, isModernVersion, newestLegacyVersion } from '../protocol/versions.ts';
import { hideSecrets } from '../secrets/hide.ts';
import { misbehaved } from './failures.ts';
import { implementation } from './identity.ts';

/** Characters of instructions that are kept; clients get `maxInstructions` of what is left once they are delivered. */
const maxKeptInstructions = 65_536;

export interface Greeting {
  readonly method: 'server/discover' | 'initialize';
  readonly params: JsonObject;
}

/** The request that begins a connection of this era. */
export function greetingOf(era: Era, capabilities: JsonObject): Greeting {
  if (era === 'modern') return { method: 'server/discover', params: {} };
  return {
    method: 'initialize',
    params: { protocolVersion: newestLegacyVersion, capabilities, clientInfo: implementation },
  };
}

/**
 * `undefined` when the result is no answer to the greeting of this era. `secrets`: what the server was given; they are
 * hidden before the instructions are cut, since nothing knows the half of one afterwards.
 */
export function factsOf(era: Era, result: JsonObject, secrets: readonly string[] = []): ServerFacts | undefined {
  return era === 'modern' ? modernFacts(result, secrets) : legacyFacts(result, secrets);
}

function modernFacts(result: JsonObject, secrets: readonly string[]): ServerFacts | undefined {
  const versions = result.supportedVersions;
  if (!Array.isArray(versions) || !isObject(result.capabilities)) return undefined;
  const version = (versions as readonly Json[]).find((entry) => typeof entry === 'string' && isModernVersion(entry));
  if (typeof version !== 'string') return undefined;
  const info = metaOf(result)[metaKeys.serverInfo] ?? result.serverInfo;
  const { capabilities } = result;
  return facts('modern', version, info, capabilities, kept(result.instructions, secrets));
}

function legacyFacts(result: JsonObject, secrets: readonly string[]): ServerFacts | undefined {
  const version = result.protocolVersion;
  if (typeof version !== 'string' || !isLegacyVersion(version) || !isObject(result.capabilities)) return undefined;
  const { serverInfo, capabilities } = result;
  return facts('legacy', version, serverInfo, capabilities, kept(result.instructions, secrets));
}

function facts(
  era: Era,
  version: string,
  info: Json | undefined,
  capabilities: JsonObject,
  instructions: string | undefined,
): ServerFacts {
  return {
    era,
    version,
    capabilities,
    ...(isObject(info) ? { info } : {}),
    ...(instructions === undefined ? {} : { instructions }),
  };
}

function kept(instructions: Json | undefined, secrets: readonly string[]): string | undefined {
  return typeof instructions === 'string'
    ? hideSecrets(instructions, secrets).slice(0, maxKeptInstructions)
    : undefined;
}

/** Why the greeting failed. `secrets`: what the server was given, and may repeat; they are hidden before the text is cut. */
export function greetingFailure(step: Step, secrets: readonly string[] = []): UpstreamFailure {
  if (step.kind === 'failed') return step.failure;
  if (step.kind === 'error') {
    const said = hideSecrets(step.error.message, secrets);
    return misbehaved(`refused the handshake with ${step.error.code}: ${said}`);
  }
  return misbehaved('speaks no protocol version that the gateway knows');
}

/**
 * May a greeting of another era or transport succeed where this one failed? Refused credentials and too many requests
 * say nothing about the era (2026-07-28, versioning); servers of the other era answer with about everything else, some
 * with 500, some never.
 */
export function mayBeOtherEra(failure: UpstreamFailure): boolean {
  if (failure.kind !== 'unavailable') return failure.kind === 'misbehaved' || failure.kind === 'timeout';
  const { status, challenge } = failure;
  // Without a challenge it is no refusal of a credential (RFC 9110, 15.5.2): some want a session for everything.
  if (status === 401) return challenge === undefined;
  return status === undefined || (status >= 400 && status !== 403 && status !== 429);
}
