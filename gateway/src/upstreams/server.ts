/** One configured server: its address, what is remembered of its era, and how a connection to it is made. */

import type { Bounds } from '../config/schema/index.ts';
import type { HttpServerConfig, ServerConfig, StdioServerConfig } from '../config/schema/servers.ts';
import type { ServerIdentity } from '../pipeline/contracts/identity.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Era } from '../protocol/versions.ts';
import { hideSecrets } from '../secrets/hide.ts';
import type { ConnectResult } from './connected.ts';
import type { Credential } from './credentials/contract.ts';
import { ServerCredentials, type ServerParts } from './credentials/index.ts';
import { Enough } from './enough.ts';
import { Eras } from './eras.ts';
import { Evidence } from './evidence/evidence.ts';
import { failureText, plain, withLastWords, withoutCredential } from './failures.ts';
import type { GivenSecrets } from './given-secrets.ts';
import { type HttpEndpoint, openEndpoint } from './http/endpoint.ts';
import { openHttp } from './http/opening.ts';
import { isInsecure } from './http/tls.ts';
import type { PeerEvents } from './peer.ts';
import { LastLines } from './stdio/last-lines.ts';
import { erasInOrder, openStdio, type StdioOpened } from './stdio/opening.ts';
import type { Supervisor } from './stdio/supervisor.ts';
import { StdioWire } from './stdio/transport.ts';
import { reading, type TransportEvents } from './transport.ts';

export interface UpstreamLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
}

interface StdioEvents extends PeerEvents {
  readonly ending: AbortSignal | undefined;
}

/** A server whose first start takes longer is waited for no longer than any other that is being reached. */
const firstTryMs = 30_000;
/** Milliseconds between two words about a server that is still starting. */
const startingPauseMs = 5_000;

export interface ServerSurroundings extends Omit<ServerParts, 'name'> {
  readonly given: GivenSecrets;
  /** Told of each connection, and of each new TLS key, which server it was that answered. */
  readonly onIdentity?: ((identity: ServerIdentity) => void) | undefined;
}

/** Whose a session is, and what its client can do. */
export interface SessionClient {
  readonly capabilities: JsonObject;
  /** Key of the caller; absent where it is the gateway itself. */
  readonly caller?: string | undefined;
}

interface SessionOpening extends SessionClient {
  /** Callers share it. */
  readonly isOfAll: boolean;
  /** The one that is tried first. */
  readonly era: Era;
  readonly credential: Credential | undefined;
  readonly ending: AbortSignal;
}

export class Server {
  readonly name: string;
  readonly config: ServerConfig;
  readonly eras: Eras;
  /** Of HTTP servers only. */
  readonly credentials: ServerCredentials | undefined;
  readonly #given: GivenSecrets;
  readonly #bounds: Bounds;
  readonly #supervisor: Supervisor;
  readonly #log: UpstreamLog;
  readonly #evidence: Evidence | undefined;
  #endpoint: HttpEndpoint | undefined;
  /** While the server comes up for the first time. */
  #firstStart: Promise<ConnectResult> | undefined;
  #hasStarted = false;
  /** By credential, or none: that it takes no calls with it. */
  readonly #enough = new WeakMap<object, Enough>();
  #tried = false;
  #firstTryAt: number | undefined;

  constructor(
    name: string,
    config: ServerConfig,
    bounds: Bounds,
    supervisor: Supervisor,
    log: UpstreamLog,
    { given, onIdentity, ...credentials }: ServerSurroundings,
  ) {
    this.name = name;
    this.config = config;
    this.eras = new Eras(config);
    this.credentials = 'url' in config ? new ServerCredentials(config, { ...credentials, name }) : undefined;
    this.#given = given;
    this.#evidence =
      onIdentity === undefined ? undefined : new Evidence(config, { tell: onIdentity, secrets: () => this.secrets() });
    const headers = ('url' in config ? config.headerSecrets : undefined) ?? [];
    given.configure([...headers, ...(this.credentials?.fixed() ?? [])]);
    this.#bounds = boundsOf(bounds, config.timeouts);
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

  /** No attempt to connect has ended yet, and the first one has not taken long either. */
  get isUntried(): boolean {
    if (this.#tried) return false;
    return this.#firstTryAt === undefined || performance.now() - this.#firstTryAt < firstTryMs;
  }

  /** Milliseconds that a request waits for a connection. */
  get patience(): number {
    return this.#bounds.firstByte;
  }

  get pingTimeout(): number {
    return this.#bounds.connectTimeout;
  }

  /** Milliseconds for which the server takes no more calls of this caller, or of the gateway, with this credential. */
  limitedFor(credential: Credential | undefined, caller: string | undefined): number {
    return this.#enough.get(credential ?? this)?.leftMs(caller) ?? 0;
  }

  /** The server has had enough of it. */
  limit(credential: Credential | undefined, forMs: number, caller: string | undefined): void {
    const enough = this.#enough.get(credential ?? this) ?? new Enough();
    this.#enough.set(credential ?? this, enough);
    enough.said(forMs, caller);
  }

  /** What this server was given and must not come back out of it. What the credential holds now is presented to it. */
  secrets(credential?: Credential): readonly string[] {
    if (credential !== undefined) this.#given.add(credential.secrets());
    return this.#given.all();
  }

  /** A log message that may go to the operator only. */
  noted(params: JsonObject): void {
    const text = plain(JSON.stringify(params));
    this.#log.debug({ server: this.name, stream: 'log', text }, 'server output');
  }

  /** What was found out about it so far was told. */
  async identified(): Promise<void> {
    await this.#evidence?.settled();
  }

  close(): void {
    this.#endpoint?.close();
  }

  async connect(
    { capabilities, caller, isOfAll, era, credential, ending }: SessionOpening,
    events: PeerEvents,
  ): Promise<ConnectResult> {
    if ('url' in this.config && isInsecure(this.config.tls, Date.now()))
      this.#log.warn(
        { server: this.name, until: this.config.tls?.insecureUntil },
        'THE CERTIFICATE OF THIS SERVER IS NOT VERIFIED',
      );
    const started = performance.now();
    this.#firstTryAt ??= started;
    const ready = await credential?.ready();
    if (ready?.ok === false) return { ok: false, failure: withoutCredential(ready) };
    const result =
      'url' in this.config
        ? await this.#connectHttp(this.config, events, {
            capabilities,
            era,
            credential,
            caller: isOfAll || this.isShared ? undefined : caller,
          })
        : await this.#connectStdio(this.config, capabilities, { ...events, ending }, era);
    this.#tried = true;
    const fields = { server: this.name, ms: Math.round(performance.now() - started) };
    if (result.ok) this.#evidence?.connected(result.connected.facts);
    if (result.ok) this.#log.info({ ...fields, era: result.connected.facts.era }, 'server connected');
    else this.#log.warn({ ...fields, problem: failureText(result.failure) }, 'server not connected');
    return result;
  }

  async #connectHttp(
    config: HttpServerConfig,
    events: PeerEvents,
    { capabilities, caller, era, credential }: Omit<SessionOpening, 'isOfAll' | 'ending'>,
  ): Promise<ConnectResult> {
    this.#endpoint ??= openEndpoint(config, this.#bounds, (key) => this.#evidence?.sawKey(key));
    const own = credential === undefined ? {} : { credential: () => credential.current() };
    const endpoint = { ...this.#endpoint, ...own, caller };
    return openHttp({
      config,
      endpoint,
      bounds: this.#bounds,
      limits: this.#limits(),
      eras: this.eras,
      era,
      capabilities,
      events,
      secrets: this.secrets(credential),
    });
  }

  /**
   * Until the server has come up once, one process is started at a time: programs that are fetched at their first start
   * share a cache, which two of them would damage.
   */
  async #connectStdio(
    config: StdioServerConfig,
    capabilities: JsonObject,
    events: StdioEvents,
    era: Era,
  ): Promise<ConnectResult> {
    if (this.#firstStart !== undefined) {
      const first = await this.#firstStart;
      if (!first.ok) return first;
    }
    const starting = this.#start(config, capabilities, events, era);
    if (this.#hasStarted) return await starting;
    this.#firstStart = starting;
    try {
      const result = await starting;
      this.#hasStarted ||= result.ok;
      return result;
    } finally {
      this.#firstStart = undefined;
    }
  }

  async #start(
    config: StdioServerConfig,
    capabilities: JsonObject,
    events: StdioEvents,
    era: Era,
  ): Promise<ConnectResult> {
    const { eras } = this;
    const said = new LastLines();
    const open = (order: readonly Era[]): Promise<StdioOpened> =>
      openStdio({
        start: (wireEvents) => this.#spawn(config, wireEvents, said),
        eras: order,
        capabilities,
        startTimeout: config.startTimeout,
        times: this.#bounds,
        events,
        ending: events.ending,
      });
    const began = performance.now();
    const waiting = setInterval(() => {
      const fields = { server: this.name, seconds: Math.round((performance.now() - began) / 1_000), said: said.text() };
      this.#log.info(fields, 'waiting for the server to start');
    }, startingPauseMs).unref();
    // A process for all asks for nothing of a client: one that has no modern era is found out on its first process.
    const preferred = this.isShared && eras.speaks('modern') === undefined ? 'modern' : era;
    const order = erasInOrder(preferred, (each) => eras.speaks(each));
    let opened = await open(order);
    const [asked, other] = order;
    // Some servers exit on a greeting that they do not know: the other one gets a process of its own.
    if (!opened.ok && opened.ended && asked !== undefined && other !== undefined) {
      const again = await open([other]);
      if (again.ok) opened = { ...again, refused: [asked] };
    }
    clearInterval(waiting);
    if (!opened.ok) {
      eras.forget();
      return { ok: false, failure: withLastWords(opened.failure, said.text()) };
    }
    const { connected, refused } = opened;
    for (const each of refused) eras.found(each, false);
    eras.found(connected.facts.era, true);
    return { ok: true, connected };
  }

  #spawn(config: StdioServerConfig, events: TransportEvents, said: LastLines): StdioWire {
    const [program = '', ...args] = config.command;
    const command = { program, args, cwd: config.cwd ?? process.cwd(), env: config.env };
    const secrets = Object.values(config.env);
    const log = {
      onNoise: (stream: 'stdout' | 'stderr', text: string) => {
        said.add(hideSecrets(text, secrets));
        this.#log.debug({ server: this.name, stream, text }, 'server output');
      },
      onBroken: (text: string) =>
        this.#log.warn(
          { server: this.name, line: plain(hideSecrets(text, secrets)) },
          'server wrote a line that is no message',
        ),
    };
    return new StdioWire(command, this.#limits(), events, log, this.#supervisor);
  }

  #limits() {
    const { depth, values, keys, result, firstByte, total } = this.#bounds;
    return { ...reading, depth, values, keys, result, firstByte, total };
  }
}

function boundsOf(bounds: Bounds, { connect, firstByte, total }: ServerConfig['timeouts']): Bounds {
  return {
    ...bounds,
    connectTimeout: connect ?? bounds.connectTimeout,
    firstByte: firstByte ?? bounds.firstByte,
    total: total ?? bounds.total,
  };
}
