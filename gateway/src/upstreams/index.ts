/** All servers of a revision, and the sessions there. Survives reloads: what did not change stays connected. */
import { createHash } from 'node:crypto';
import type { Bounds } from '../config/schema/index.ts';
import type { ServerConfig } from '../config/schema/servers.ts';
import { guardedFetch } from '../egress/fetch.ts';
import { egressGuard } from '../egress/guard.ts';
import type { ServerIdentity } from '../pipeline/contracts/identity.ts';
import type { ClientProfile, UpstreamClient, Upstreams } from '../pipeline/contracts/upstream.ts';
import { capabilityKey } from '../protocol/capabilities.ts';
import type { Era } from '../protocol/versions.ts';
import { inBackground } from '../telemetry/background.ts';
import { ServerClient } from './client.ts';
import type { AccountRegistry } from './credentials/authorization-code/book.ts';
import type { CredentialReport } from './credentials/index.ts';
import { otherEra } from './eras.ts';
import { GivenSecrets } from './given-secrets.ts';
import { type Glance, glanceOver, glanceThrough } from './glance.ts';
import { type Checked, checkRunning, checkServer } from './health.ts';
import { Server, type UpstreamLog } from './server.ts';
import { Supervisor } from './stdio/supervisor.ts';

/** How often deadlines are looked at, in milliseconds: their precision. */
const sweepIntervalMs = 250;

export type OnIdentity = (server: string, identity: ServerIdentity) => void;

interface Entry {
  readonly digest: string;
  readonly server: Server;
  readonly clients: Map<string, ServerClient>;
}

/** Sessions at one HTTP server that are kept open at the same time; stdio servers have their own number of processes. */
const maxClients = 10_000;
/** Of the upstream clients of a server that others leave, the part that one caller may have. */
const callerShare = 2 / 3;
/** Beside one for each of its sessions, what one caller may have: for what its clients can do, in both eras. */
const maxBesideSessions = 128;

export interface DirectoryParts {
  readonly log: UpstreamLog;
  readonly book?: AccountRegistry | undefined;
  /** The standby credential of a server takes the place of the one that it refused. */
  readonly onStandby?: (server: string) => void;
  readonly onIdentity?: OnIdentity | undefined;
}

export class ServerDirectory implements Upstreams {
  readonly #supervisor: Supervisor;
  readonly #log: UpstreamLog;
  readonly #timer: NodeJS.Timeout;
  #entries = new Map<string, Entry>();
  /** Upstream clients of the gateway itself, while it looks at a server. */
  readonly #glancing = new Set<ServerClient>();
  readonly #given = new Map<string, GivenSecrets>();
  #bounds: Bounds;
  #egress: readonly string[] = [];
  /** Upstream clients that were left to those who hold them, so far. */
  #left = 0;
  readonly #book: AccountRegistry | undefined;
  readonly #onStandby: (server: string) => void;
  readonly #onIdentity: OnIdentity | undefined;

  constructor(mark: string, bounds: Bounds, { log, book, onStandby, onIdentity }: DirectoryParts) {
    this.#book = book;
    this.#onStandby = onStandby ?? (() => {});
    this.#onIdentity = onIdentity;
    this.#supervisor = new Supervisor(mark);
    this.#bounds = bounds;
    this.#log = log;
    this.#timer = setInterval(() => this.#sweep(), sweepIntervalMs);
    this.#timer.unref();
  }

  /** Takes over a new revision. Servers that are gone or changed are closed once their calls have ended. */
  configure(servers: Readonly<Record<string, ServerConfig>>, bounds: Bounds, egress: readonly string[] = []): void {
    this.#egress = egress;
    const guard = egressGuard(egress);
    const onStandby = (server: string): void => this.#onStandby(server);
    const credentials = { fetch: guardedFetch(guard), guard, book: this.#book, onStandby };
    const entries = new Map<string, Entry>();
    for (const [name, config] of Object.entries(servers)) {
      const digest = createHash('sha256')
        .update(JSON.stringify([config, bounds, this.#egress]))
        .digest('hex');
      const known = this.#entries.get(name);
      entries.set(
        name,
        known?.digest === digest
          ? known
          : {
              digest,
              server: new Server(name, config, bounds, this.#supervisor, this.#log, {
                ...credentials,
                given: this.#givenTo(name),
                onIdentity: (identity) => this.#onIdentity?.(name, identity),
              }),
              clients: new Map(),
            },
      );
    }
    for (const name of this.#given.keys()) if (!entries.has(name)) this.#given.delete(name);
    const old = this.#entries;
    this.#entries = entries;
    this.#bounds = bounds;
    for (const [name, entry] of old) if (entries.get(name) !== entry) this.#retire(entry, bounds.drain);
  }

  /** A server that is configured anew may still send back what it was given before. */
  #givenTo(name: string): GivenSecrets {
    const given = this.#given.get(name) ?? new GivenSecrets();
    this.#given.set(name, given);
    return given;
  }

  client(name: string, client: ClientProfile): UpstreamClient | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const era = entry.server.eras.serving(client.era);
    const known = this.#known(entry, client, era);
    if (known !== undefined) return known;
    const most = 'command' in entry.server.config ? entry.server.config.processes : maxClients;
    const capabilities = entry.server.isShared ? {} : client.capabilities;
    const upstream = new ServerClient(entry.server, capabilities, era, this.#bounds, client.caller);
    // With every process in use the new upstream client is closed before it begins, and its calls fail.
    if (!this.#hasRoom(entry, client.caller.key, most)) inBackground('close upstream client', upstream.close());
    else {
      const key = linkKey(entry.server, client, era);
      if (isOfAll(key)) upstream.share();
      entry.clients.set(key, upstream);
    }
    return upstream;
  }

  /**
   * An upstream client of this era, or one that was opened before the eras of its server were known and turned out to be of this
   * one: nothing is connected or started twice.
   */
  #known({ server, clients }: Entry, client: ClientProfile, era: Era): ServerClient | undefined {
    const key = linkKey(server, client, era);
    const upstream = clients.get(key);
    if (
      upstream !== undefined &&
      (upstream.era === undefined || upstream.era === era || server.eras.speaks(era) === false)
    )
      return upstream;
    const other = otherEra(era);
    if (upstream !== undefined) {
      // It was asked in the other era first, which its server has as well.
      clients.delete(key);
      // One of all callers is never one of a single one: others listen on it. It ends when they are gone.
      if (isOfAll(key)) clients.set(`left ${++this.#left}`, upstream);
      else if (!clients.has(linkKey(server, client, other)))
        this.#place(clients, linkKey(server, client, other), upstream, other);
      else inBackground('close upstream client', upstream.close());
      return undefined;
    }
    for (const place of [clientKey(server, client, era), linkKey(server, client, other)]) {
      const opened = clients.get(place);
      if (opened?.era === era) {
        clients.delete(place);
        return this.#place(clients, key, opened, era);
      }
      // Nothing is started only to learn the era while the first process has not said a word.
      if (opened !== undefined && !server.isHttp && opened.era === undefined && server.eras.speaks(era) === undefined)
        return opened;
    }
    return undefined;
  }

  #place(clients: Map<string, ServerClient>, key: string, upstream: ServerClient, era: Era): ServerClient {
    clients.set(key, upstream);
    upstream.turn(era);
    if (isOfAll(key)) upstream.share();
    return upstream;
  }

  /**
   * Looks at a server for the gateway itself. Of a program that is not to be started for it, one that runs is asked:
   * `undefined` where none does.
   */
  async check(name: string): Promise<Checked | undefined> {
    const entry = this.#entries.get(name);
    const health = entry?.server.config.health;
    if (entry === undefined || health === undefined) return undefined;
    if (entry.server.isHttp || health.wake) return checkServer(entry.server, { bounds: this.#bounds, health });
    return checkRunning(entry.clients.values());
  }

  isOnStandby(name: string): boolean {
    return this.#entries.get(name)?.server.credentials?.isOnStandby === true;
  }

  /** Ends every connection to a server, and its processes. The next use begins anew. */
  stop(name: string): void {
    for (const own of this.#glancing) if (own.server === name) inBackground('close upstream client', own.close());
    const clients = this.#entries.get(name)?.clients;
    if (clients === undefined) return;
    const all = [...clients.values()];
    clients.clear();
    inBackground('stop server', Promise.all(all.map((upstream) => upstream.close())));
  }

  /** How the credentials of every server are. Says nothing of the credentials themselves. */
  credentials(): Readonly<Record<string, readonly CredentialReport[]>> {
    const reports: [string, readonly CredentialReport[]][] = [];
    for (const [name, { server }] of this.#entries) {
      const report = server.credentials?.report() ?? [];
      if (report.length > 0) reports.push([name, report]);
    }
    return Object.fromEntries(reports);
  }

  /**
   * For a look that no client asked for: over a connection that there is, else, at an HTTP server that needs no credential of a
   * caller, over one of its own.
   */
  glance(name: string): Glance | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const live = [...entry.clients.values()].find(({ connectedFacts }) => connectedFacts !== undefined);
    if (live !== undefined) return glanceOver(live);
    const { server } = entry;
    if (!server.isHttp || server.credentials?.isOfCallers === true) return undefined;
    const own = new ServerClient(server, {}, 'modern', this.#bounds);
    this.#glancing.add(own);
    return glanceThrough(own, () => {
      if (this.#glancing.delete(own)) inBackground('close upstream client', own.close());
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#glancing].map((own) => own.close()));
    const entries = [...this.#entries.values()];
    this.#entries = new Map();
    await Promise.all(entries.flatMap((entry) => [...entry.clients.values()].map((upstream) => upstream.close())));
    for (const { server } of entries) server.close();
    this.#supervisor.close();
  }

  #sweep(): void {
    const now = performance.now();
    for (const own of this.#glancing) own.sweep(now);
    for (const { server, clients } of this.#entries.values())
      for (const [key, upstream] of clients) {
        upstream.sweep(now);
        if (upstream.idleFor(now) < server.config.idle) continue;
        clients.delete(key);
        inBackground('close upstream client', upstream.close());
      }
  }

  /** Of what others leave, one caller has a part: where it has that already, idle ones of its own make room. */
  #hasRoom(entry: Entry, caller: string, most: number): boolean {
    const { size } = entry.clients;
    const maxOwn = this.#bounds.sessions + maxBesideSessions;
    if (size < Math.min(maxOwn, Math.floor(most * callerShare))) return true;
    let own = 0;
    for (const upstream of entry.clients.values()) if (upstream.caller === caller) own++;
    if (own > 0 && own >= Math.min(maxOwn, Math.ceil((most - (size - own)) * callerShare)))
      return this.#makeRoom(entry, caller);
    return size < most || this.#makeRoom(entry);
  }

  /** Closes the upstream client, of this caller or of all, that has been idle for longest; false when all are in use. */
  #makeRoom(entry: Entry, caller?: string): boolean {
    const now = performance.now();
    let oldest: string | undefined;
    let longest = 0;
    for (const [key, upstream] of entry.clients) {
      if (caller !== undefined && upstream.caller !== caller) continue;
      const idle = upstream.idleFor(now);
      if (idle > longest) [oldest, longest] = [key, idle];
    }
    if (oldest === undefined) return false;
    const upstream = entry.clients.get(oldest);
    entry.clients.delete(oldest);
    if (upstream !== undefined) inBackground('close upstream client', upstream.close());
    return true;
  }

  /** Calls under way end under the revision that they began with. */
  #retire(entry: Entry, drain: number): void {
    const deadline = performance.now() + drain;
    const timer = setInterval(() => {
      const now = performance.now();
      for (const upstream of entry.clients.values()) upstream.sweep(now);
      const busy = [...entry.clients.values()].some((upstream) => upstream.idleFor(now) === 0);
      if (busy && now < deadline) return;
      clearInterval(timer);
      const closed = Promise.all([...entry.clients.values()].map((upstream) => upstream.close()));
      inBackground(
        'retire server',
        closed.finally(() => entry.server.close()),
      );
    }, sweepIntervalMs);
    timer.unref();
  }
}

/** What the keys of upstream clients begin with that many callers share. */
const ofAll = 'modern ';

function isOfAll(key: string): boolean {
  return key.startsWith(ofAll);
}

/** Upstream clients are shared: by all clients at a modern HTTP server, as every request stands alone there; else by one caller, or one session of it. */
function linkKey(server: Server, client: ClientProfile, era: Era): string {
  if (!server.isHttp || era === 'legacy' || server.eras.speaks('modern') !== true)
    return clientKey(server, client, era);
  return server.credentials === undefined ? ofAll : `${ofAll}${server.credentials.session(client.caller).key}`;
}

function clientKey(server: Server, client: ClientProfile, era: Era): string {
  if (server.isShared) return `shared ${era}`;
  const credential = server.credentials?.session(client.caller).key ?? '';
  const declared = capabilityKey(client.capabilities);
  const session = server.isHttp && client.session !== undefined ? client.session : '';
  return `${client.caller.key}\n${declared}\n${session}\n${credential}\n${era}`;
}
