/**
 * A way to one server with one credential, or none: connects when it is first used, reconnects with growing pauses, keeps
 * one subscription for everybody who listens.
 */

import { Cancellation } from '../pipeline/cancellation.ts';
import type { LinkFailure, LinkFailureResult, OutboundCall, ServerFacts, Step } from '../pipeline/upstream.ts';
import type { JsonObject } from '../protocol/json.ts';
import { logLevels } from '../protocol/methods.ts';
import { inBackground } from '../telemetry/background.ts';
import type { Credential } from './credentials/contract.ts';
import { hideSecrets } from './credentials/hide.ts';
import { stepUp } from './credentials/step-up.ts';
import { Listening } from './listening.ts';
import { type Connected, type ConnectResult, ownCall, type Server } from './server.ts';

const firstPause = 500;
const longestPause = 30_000;
/** A connection that lasted this long was a good one: the next failure starts with the shortest pause again. */
const settled = 60_000;

export class Way {
  readonly #server: Server;
  readonly #capabilities: JsonObject;
  readonly #credential: Credential | undefined;
  #connected: Connected | undefined;
  #connecting: Promise<ServerFacts | LinkFailureResult> | undefined;
  #failure: { readonly failure: LinkFailure; readonly until: number } | undefined;
  #pause = firstPause;
  #connectedAt = 0;
  #usedAt = performance.now();
  #closed = false;
  readonly #listeners = new Set<(method: string, params: JsonObject) => void>();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #listening = new Listening({
    onNotification: (method, params) => this.#onNotification(method, params),
    // Changes may have been missed: whoever remembers a list must read it again.
    onLost: () => this.#announceAll(),
  });
  readonly #stopHearing: (() => void) | undefined;
  #level: number | undefined;

  constructor(server: Server, capabilities: JsonObject, credential: Credential | undefined) {
    this.#server = server;
    this.#capabilities = capabilities;
    this.#credential = credential;
    // What the server lists for this user is known from now on, or more of it.
    this.#stopHearing = credential?.onConnected?.(() => this.#announceAll());
  }

  /** Monotonic milliseconds since somebody used this way; 0 while it is in use. */
  idleFor(now: number): number {
    if (this.#connecting !== undefined || this.#connected?.peer.busy === true) return 0;
    return this.#watchers.size > 0 ? 0 : now - this.#usedAt;
  }

  /** The server has forgotten the session that it had begun with us. */
  get sessionLost(): boolean {
    return this.#connected?.peer.sessionLost === true;
  }

  get level(): string | undefined {
    return this.#level === undefined ? undefined : logLevels[this.#level];
  }

  sweep(now: number): void {
    this.#connected?.peer.sweep(now);
  }

  facts(): ServerFacts | Promise<ServerFacts | LinkFailureResult> {
    this.#usedAt = performance.now();
    const connected = this.#connected;
    if (connected !== undefined && !connected.peer.isDown && !connected.peer.sessionLost) return connected.facts;
    return this.#connect();
  }

  /** One attempt, over the connection that there is or a new one. */
  call(call: OutboundCall): Promise<Step> {
    const facts = this.facts();
    if (!(facts instanceof Promise)) return this.#send(call);
    return facts.then((result) =>
      'failure' in result ? { kind: 'failed', failure: result.failure } : this.#send(call),
    );
  }

  /** What is left to do about a call that failed: with a new session it is made once more. */
  recover(step: Step & { kind: 'failed' }, call: OutboundCall): Step | Promise<Step> {
    if (this.sessionLost) {
      // The server has forgotten our session, so it has not run the call: begin a session and make it once more.
      this.drop();
      return this.call(call);
    }
    const { failure } = step;
    if (failure.kind === 'unavailable' && failure.status !== undefined && [400, 404, 405].includes(failure.status)) {
      this.drop();
      this.#server.forgetEra();
    }
    return step;
  }

  watch(uri: string, listener: () => void): () => void {
    const watchers = this.#watchers.get(uri);
    if (watchers !== undefined) watchers.add(listener);
    else {
      this.#watchers.set(uri, new Set([listener]));
      this.#watchChanged('resources/subscribe', uri);
    }
    return () => {
      const current = this.#watchers.get(uri);
      if (current?.delete(listener) !== true || current.size > 0) return;
      this.#watchers.delete(uri);
      this.#watchChanged('resources/unsubscribe', uri);
    };
  }

  onNotification(listener: (method: string, params: JsonObject) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setLevel(level: string): void {
    const rank = logLevels.indexOf(level);
    if (rank === -1 || (this.#level !== undefined && rank >= this.#level)) return;
    this.#level = rank;
    this.#sendLevel();
  }

  /** The next call begins a connection. */
  drop(): void {
    const connected = this.#connected;
    this.#connected = undefined;
    this.#listening.close();
    if (connected !== undefined) inBackground('close connection', connected.peer.close());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopHearing?.();
    await this.#connecting;
    const connected = this.#connected;
    this.#connected = undefined;
    this.#listening.close();
    await connected?.peer.close();
  }

  #send(call: OutboundCall): Promise<Step> {
    const connected = this.#connected;
    if (connected === undefined)
      return Promise.resolve({ kind: 'failed', failure: { kind: 'unavailable', detail: 'closed' } });
    return connected.peer.call(call);
  }

  #connect(): Promise<ServerFacts | LinkFailureResult> {
    if (this.#closed) return Promise.resolve({ failure: { kind: 'unavailable', detail: 'closed' } });
    if (this.#connecting !== undefined) return this.#connecting;
    const now = performance.now();
    if (this.#failure !== undefined && now < this.#failure.until)
      return Promise.resolve({ failure: this.#failure.failure });
    this.drop();
    this.#connecting = this.#attempt().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #attempt(): Promise<ServerFacts | LinkFailureResult> {
    let result = await this.#connectOnce();
    const credential = this.#credential;
    if (!result.ok && credential !== undefined && 'status' in result.failure && result.failure.status === 401) {
      // Nothing was done, as with a call; a credential that can be made anew is, once.
      if (this.#server.credentials?.hasAccounts === true && credential.refused(credential.current()))
        result = await this.#connectOnce();
    }
    if (!result.ok && credential !== undefined) {
      const failure = stepUp(credential, result.failure, 'handshake') ?? result.failure;
      // Nobody has to wait before trying again: the user may have connected the account by then.
      if (failure.kind === 'unconnected') return { failure };
    }
    const now = performance.now();
    if (!result.ok) {
      this.#failure = { failure: result.failure, until: now + this.#pause };
      this.#pause = Math.min(this.#pause * 2, longestPause);
      return { failure: result.failure };
    }
    this.#failure = undefined;
    this.#connectedAt = now;
    const connected = { ...result.connected, facts: this.#hidden(result.connected.facts) };
    this.#connected = connected;
    if (this.#level !== undefined) this.#sendLevel();
    if (connected.facts.era === 'modern') this.#listen(connected);
    else for (const uri of this.#watchers.keys()) this.#watchChanged('resources/subscribe', uri);
    return connected.facts;
  }

  #connectOnce(): Promise<ConnectResult> {
    return this.#server.connect(
      this.#capabilities,
      {
        onNotification: (method, params) => this.#onNotification(method, params),
        onDown: () => this.#onDown(),
      },
      this.#credential,
    );
  }

  /** The process or the stream is gone. What is remembered of its lists may be wrong from now on. */
  #onDown(): void {
    const now = performance.now();
    if (now - this.#connectedAt > settled) this.#pause = firstPause;
    else if (this.#connectedAt > 0) {
      this.#failure = { failure: { kind: 'unavailable', detail: 'ended a moment ago' }, until: now + this.#pause };
      this.#pause = Math.min(this.#pause * 2, longestPause);
    }
    this.drop();
    this.#announceAll();
  }

  #announceAll(): void {
    for (const method of ['tools', 'prompts', 'resources'])
      for (const listener of this.#listeners) listener(`notifications/${method}/list_changed`, {});
  }

  #onNotification(method: string, params: JsonObject): void {
    if (method === 'notifications/resources/updated') {
      const { uri } = params;
      if (typeof uri !== 'string') return;
      for (const [watched, watchers] of this.#watchers)
        if (uri === watched || uri.startsWith(watched.endsWith('/') ? watched : `${watched}/`))
          for (const watcher of watchers) watcher();
      return;
    }
    const shown = this.#listeners.size === 0 ? params : hideSecrets(params, this.#server.secrets(this.#credential));
    for (const listener of this.#listeners) listener(method, shown);
  }

  /** A server introduces itself to clients in its own words. */
  #hidden(facts: ServerFacts): ServerFacts {
    const { info, capabilities, instructions } = facts;
    const secrets = this.#server.secrets(this.#credential);
    return {
      ...facts,
      capabilities: hideSecrets(capabilities, secrets),
      ...(info === undefined ? {} : { info: hideSecrets(info, secrets) }),
      ...(instructions === undefined ? {} : { instructions: hideSecrets(instructions, secrets) }),
    };
  }

  #watchChanged(method: string, uri: string): void {
    const connected = this.#connected;
    if (connected === undefined) return;
    if (connected.facts.era === 'modern') this.#listen(connected);
    else inBackground(method, connected.peer.call(ownCall(method, { uri }, new Cancellation())));
  }

  #listen(connected: Connected): void {
    this.#listening.open(connected, () => [...this.#watchers.keys()]);
  }

  #sendLevel(): void {
    const connected = this.#connected;
    const level = this.#level === undefined ? undefined : logLevels[this.#level];
    if (connected?.facts.era !== 'legacy' || level === undefined || connected.facts.capabilities.logging === undefined)
      return;
    inBackground('logging/setLevel', connected.peer.call(ownCall('logging/setLevel', { level }, new Cancellation())));
  }
}
