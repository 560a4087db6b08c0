/** One configured server: its address, what is remembered of its era, and how a connection to it is made. */

import type { Bounds } from '../config/schema/index.ts';
import type { HttpServerConfig, ServerConfig, StdioServerConfig } from '../config/schema/servers.ts';
import { Cancellation } from '../pipeline/cancellation.ts';
import type { LinkFailure, OutboundCall, ServerFacts, Step } from '../pipeline/upstream.ts';
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { codes } from '../protocol/jsonrpc.ts';
import { metaKeys, metaOf } from '../protocol/meta.ts';
import { isLegacyVersion, isModernVersion, modernVersion, newestLegacyVersion } from '../protocol/versions.ts';
import type { Credential } from './credentials/contract.ts';
import { hideSecrets } from './credentials/hide.ts';
import { type CredentialParts, ServerCredentials } from './credentials/index.ts';
import { failureText, misbehaved, plain, unavailable, withoutCredential } from './failures.ts';
import { type HttpEndpoint, openEndpoint } from './http/endpoint.ts';
import { SseWire } from './http/sse.ts';
import { StreamableWire } from './http/streamable.ts';
import { isInsecure } from './http/tls.ts';
import { implementation } from './identity.ts';
import { Peer, type PeerEvents } from './peer.ts';
import type { Supervisor } from './stdio/supervisor.ts';
import { StdioWire } from './stdio/wire.ts';

export interface Connected {
  readonly peer: Peer;
  readonly facts: ServerFacts;
}
export type ConnectResult =
  | { readonly ok: true; readonly connected: Connected }
  | { readonly ok: false; readonly failure: LinkFailure };

export interface UpstreamLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
}

type Manner = 'modern' | 'legacy' | 'legacy-sse';

/** A legacy server may be replaced by a modern one at any time, and would go on to be spoken to as before. */
const legacyVerdictAge = 600_000;
/** A server that has not answered the question for its era by then is legacy (2026-07-28, versioning, stdio). */
const probeTime = 6_000;

export class Server {
  readonly name: string;
  readonly config: ServerConfig;
  /** Of HTTP servers only. */
  readonly credentials: ServerCredentials | undefined;
  readonly #headerSecrets: readonly string[];
  readonly #bounds: Bounds;
  readonly #supervisor: Supervisor;
  readonly #log: UpstreamLog;
  #endpoint: HttpEndpoint | undefined;
  #manner: { readonly manner: Manner; readonly until: number } | undefined;

  constructor(
    name: string,
    config: ServerConfig,
    bounds: Bounds,
    supervisor: Supervisor,
    log: UpstreamLog,
    credentials: Omit<CredentialParts, 'name'>,
  ) {
    this.name = name;
    this.config = config;
    this.credentials = 'url' in config ? new ServerCredentials(config, { ...credentials, name }) : undefined;
    this.#headerSecrets = ('url' in config ? config.headerSecrets : undefined) ?? [];
    this.#bounds = bounds;
    this.#supervisor = supervisor;
    this.#log = log;
  }

  get isHttp(): boolean {
    return 'url' in this.config;
  }

  /** True when one connection may serve every caller, whatever it declares. */
  get isShared(): boolean {
    return 'command' in this.config && this.config.sharing === 'shared';
  }

  /** The era, if it is known already. */
  get manner(): Manner | undefined {
    if (this.#manner !== undefined && Date.now() > this.#manner.until) this.#manner = undefined;
    return this.#manner?.manner ?? this.#declared();
  }

  /** The server did not behave as its era says: ask again before the next connection. */
  forgetEra(): void {
    this.#manner = undefined;
  }

  /** What this server is sent and must not come back out of it: fixed headers, and the credential of a way. */
  secrets(credential?: Credential): readonly string[] {
    const own = credential?.secrets() ?? [];
    return this.#headerSecrets.length === 0 ? own : [...this.#headerSecrets, ...own];
  }

  /** A log message that may go to the operator only. */
  noted(params: JsonObject): void {
    const text = plain(JSON.stringify(params));
    this.#log.debug({ server: this.name, stream: 'log', text }, 'server output');
  }

  close(): void {
    this.#endpoint?.close();
  }

  async connect(capabilities: JsonObject, events: PeerEvents, credential?: Credential): Promise<ConnectResult> {
    if ('url' in this.config && isInsecure(this.config.tls, Date.now()))
      this.#log.warn(
        { server: this.name, until: this.config.tls?.insecureUntil },
        'THE CERTIFICATE OF THIS SERVER IS NOT VERIFIED',
      );
    const started = performance.now();
    const ready = await credential?.ready();
    if (ready?.ok === false) return { ok: false, failure: withoutCredential(ready) };
    const result =
      'url' in this.config
        ? await this.#connectHttp(this.config, capabilities, events, credential)
        : await this.#connectStdio(this.config, capabilities, events);
    const fields = { server: this.name, ms: Math.round(performance.now() - started) };
    if (result.ok) this.#log.info({ ...fields, era: result.connected.facts.era }, 'server connected');
    else this.#log.warn({ ...fields, problem: failureText(result.failure) }, 'server not connected');
    return result;
  }

  #declared(): Manner | undefined {
    const { era } = this.config;
    if ('url' in this.config && this.config.transport === 'sse') return 'legacy-sse';
    if (era === 'modern') return 'modern';
    return era === 'legacy' ? 'legacy' : undefined;
  }

  #remember(manner: Manner): void {
    this.#manner = { manner, until: manner === 'modern' ? Number.POSITIVE_INFINITY : Date.now() + legacyVerdictAge };
  }

  async #connectHttp(
    config: HttpServerConfig,
    capabilities: JsonObject,
    events: PeerEvents,
    credential: Credential | undefined,
  ): Promise<ConnectResult> {
    this.#endpoint ??= openEndpoint(config, this.#bounds);
    const endpoint =
      credential === undefined ? this.#endpoint : { ...this.#endpoint, credential: () => credential.current() };
    const known = this.manner;
    if (known === undefined || known === 'modern') {
      const peer = new Peer('modern', this.#bounds, events);
      peer.attach(new StreamableWire(endpoint, 'modern', this.#limits(), peer));
      const step = await this.#ask(peer, 'server/discover', {}, this.#bounds.connectTimeout);
      const facts = step.kind === 'result' ? modernFacts(step.result) : undefined;
      if (facts !== undefined) {
        this.#remember('modern');
        return { ok: true, connected: { peer, facts } };
      }
      await peer.close();
      if (known === 'modern' || !saysLegacy(step))
        return { ok: false, failure: stepFailure(step, this.secrets(credential)) };
    }
    let last: ConnectResult = { ok: false, failure: unavailable('not tried') };
    for (const manner of known === 'legacy-sse' ? (['legacy-sse'] as const) : (['legacy', 'legacy-sse'] as const)) {
      if (manner === 'legacy-sse' && config.transport === 'streamable-http') break;
      const peer = new Peer('legacy', this.#bounds, events);
      peer.attach(
        manner === 'legacy'
          ? new StreamableWire(endpoint, 'legacy', this.#limits(), peer)
          : new SseWire(endpoint, this.#limits(), peer),
      );
      const result = await this.#initialize(peer, capabilities, credential);
      if (result.ok) this.#remember(manner);
      else await peer.close();
      if (result.ok || !mayBeSse(result.failure)) return result;
      // The first failure explains more than what the attempt with the older transport says.
      last = last.ok || last.failure.kind !== 'unavailable' || last.failure.detail === 'not tried' ? result : last;
    }
    return last;
  }

  async #connectStdio(config: StdioServerConfig, capabilities: JsonObject, events: PeerEvents): Promise<ConnectResult> {
    const known = this.manner;
    if (known === undefined || known === 'modern') {
      const peer = this.#spawn(config, 'modern', events);
      const step = await this.#ask(
        peer,
        'server/discover',
        {},
        known === undefined ? Math.min(probeTime, this.#bounds.connectTimeout) : this.#bounds.connectTimeout,
      );
      const facts = step.kind === 'result' ? modernFacts(step.result) : undefined;
      if (facts !== undefined) {
        this.#remember('modern');
        return { ok: true, connected: { peer, facts } };
      }
      // Some servers exit on the question, others never answer it: the handshake gets a process of its own.
      await peer.close();
      if (known === 'modern') return { ok: false, failure: stepFailure(step) };
      if (
        step.kind === 'failed' &&
        step.failure.kind === 'unavailable' &&
        step.failure.detail.startsWith('cannot be started')
      )
        return { ok: false, failure: step.failure };
    }
    const peer = this.#spawn(config, 'legacy', events);
    const result = await this.#initialize(peer, capabilities);
    if (result.ok) this.#remember('legacy');
    else await peer.close();
    return result;
  }

  #spawn(config: StdioServerConfig, era: 'legacy' | 'modern', events: PeerEvents): Peer {
    const peer = new Peer(era, this.#bounds, events);
    const [program = '', ...args] = config.command;
    const command = { program, args, cwd: config.cwd ?? process.cwd(), env: config.env };
    const log = {
      onNoise: (stream: 'stdout' | 'stderr', text: string) =>
        this.#log.debug({ server: this.name, stream, text }, 'server output'),
    };
    peer.attach(new StdioWire(command, this.#limits(), peer, log, this.#supervisor));
    return peer;
  }

  async #initialize(peer: Peer, capabilities: JsonObject, credential?: Credential): Promise<ConnectResult> {
    const params = { protocolVersion: newestLegacyVersion, capabilities, clientInfo: implementation };
    const step = await this.#ask(peer, 'initialize', params, this.#bounds.connectTimeout);
    if (step.kind !== 'result') return { ok: false, failure: stepFailure(step, this.secrets(credential)) };
    const facts = legacyFacts(step.result);
    if (facts === undefined)
      return { ok: false, failure: misbehaved('speaks no protocol version that the gateway knows') };
    peer.wire?.agreed(facts.version);
    peer.notify('notifications/initialized', {});
    peer.wire?.openStream();
    return { ok: true, connected: { peer, facts } };
  }

  /** A call of the gateway's own, with a time limit of its own. */
  async #ask(peer: Peer, method: string, params: JsonObject, time: number): Promise<Step> {
    const cancellation = new Cancellation();
    const timer = setTimeout(() => cancellation.cancel(), time);
    const step = await peer.call(ownCall(method, params, cancellation));
    clearTimeout(timer);
    return step.kind === 'failed' && step.failure.kind === 'cancelled'
      ? { kind: 'failed', failure: { kind: 'timeout', detail: `did not answer ${method} within ${time} ms` } }
      : step;
  }

  #limits() {
    const { depth, values, keys, result, firstByte, total } = this.#bounds;
    return { depth, values, keys, result, firstByte, total };
  }
}

/** A call that the gateway makes for itself: it offers nothing and wants no notification. */
export function ownCall(method: string, params: JsonObject, cancellation: Cancellation): OutboundCall {
  return { method, params, capabilities: {}, progress: false, mirrored: [], cancellation, onNotification: () => {} };
}

/** `secrets`: what the server was given, and may repeat. They are hidden before the text is cut. */
function stepFailure(step: Step, secrets: readonly string[] = []): LinkFailure {
  if (step.kind === 'failed') return step.failure;
  if (step.kind === 'error') {
    const said = hideSecrets(step.error.message, secrets);
    return misbehaved(`refused the handshake with ${step.error.code}: ${said}`);
  }
  return misbehaved('did not answer the handshake as the protocol asks');
}

/**
 * Does this answer to `server/discover` mean a legacy server? Refused credentials, failures of the server and silence
 * say nothing about its era (2026-07-28, versioning).
 */
function saysLegacy(step: Step): boolean {
  if (step.kind === 'result') return true;
  if (step.kind === 'error') {
    if (step.error.code === codes.unsupportedVersion) {
      const supported = isObject(step.error.data) ? step.error.data.supported : undefined;
      return !(Array.isArray(supported) && (supported as readonly Json[]).includes(modernVersion));
    }
    return step.error.code !== codes.headerMismatch && step.error.code !== codes.missingCapability;
  }
  if (step.kind !== 'failed' || step.failure.kind !== 'unavailable') return false;
  const { status } = step.failure;
  return status !== undefined && status >= 400 && status < 500 && status !== 401 && status !== 403 && status !== 429;
}

function mayBeSse(failure: LinkFailure): boolean {
  return failure.kind === 'unavailable' && (failure.status === 400 || failure.status === 404 || failure.status === 405);
}

function modernFacts(result: JsonObject): ServerFacts | undefined {
  const versions = result.supportedVersions;
  if (!Array.isArray(versions) || !isObject(result.capabilities)) return undefined;
  const version = (versions as readonly Json[]).find((entry) => typeof entry === 'string' && isModernVersion(entry));
  if (typeof version !== 'string') return undefined;
  const info = metaOf(result)[metaKeys.serverInfo] ?? result.serverInfo;
  return facts('modern', version, info, result.capabilities, result.instructions);
}

function legacyFacts(result: JsonObject): ServerFacts | undefined {
  const version = result.protocolVersion;
  if (typeof version !== 'string' || !isLegacyVersion(version) || !isObject(result.capabilities)) return undefined;
  return facts('legacy', version, result.serverInfo, result.capabilities, result.instructions);
}

const longestInstructions = 16_384;

function facts(
  era: ServerFacts['era'],
  version: string,
  info: Json | undefined,
  capabilities: JsonObject,
  instructions: Json | undefined,
): ServerFacts {
  return {
    era,
    version,
    capabilities,
    ...(isObject(info) ? { info } : {}),
    ...(typeof instructions === 'string' ? { instructions: instructions.slice(0, longestInstructions) } : {}),
  };
}
