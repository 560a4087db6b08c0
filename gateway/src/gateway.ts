/** One gateway: builds the graph of a revision, swaps it on reload, and ends everything in good order. */
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { accountPages } from './accounts/pages.ts';
import { publicId, Tickets } from './accounts/tickets.ts';
import type { KeyRing } from './authn/api-key/key-ring.ts';
import { Reminders } from './authn/api-key/reminders.ts';
import { type Authentication, makeAuthentication } from './authn/index.ts';
import { type TokenAuthenticator, tokenAuthenticator } from './authn/jwt/authenticator.ts';
import { KeyDirectory } from './authn/jwt/directory.ts';
import { signIns } from './authn/sign-in/sign-in.ts';
import { Catalogs } from './catalog/index.ts';
import { type ToolReport, writeToolReport } from './catalog/report.ts';
import { type Diagnostic, formatDiagnostic } from './config/diagnostic.ts';
import type { Revision } from './config/revision.ts';
import { Subscription } from './connections/subscription.ts';
import { guardedFetch } from './egress/fetch.ts';
import { egressGuard } from './egress/guard.ts';
import type { Front } from './listeners/front.ts';
import { clientDocument } from './oauth/registration.ts';
import { accountPaths, type Invitation, type SignIns } from './pipeline/accounts.ts';
import { deliverThrough } from './pipeline/deliver.ts';
import type { Graph } from './pipeline/graph.ts';
import { inspectThrough } from './pipeline/inspect.ts';
import type { Pages } from './pipeline/pages.ts';
import { Questions } from './pipeline/questions.ts';
import type { AuditLog } from './pipeline/record.ts';
import { type Rights, UnderWay } from './pipeline/rights.ts';
import { Streams } from './pipeline/streams.ts';
import { compilePolicy, compilePolicyBeside } from './policy/compile.ts';
import { checkTool } from './policy/schema-check.ts';
import type { JsonObject } from './protocol/json.ts';
import { SecretChanges } from './secrets/changes.ts';
import { createSeal } from './secrets/seal.ts';
import { inspectors } from './stages/inspect/index.ts';
import { makeStages } from './stages.ts';
import { inBackground, logBackgroundFailures } from './telemetry/background.ts';
import type { Log } from './telemetry/log.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { AccountBook } from './upstreams/credentials/authorization-code/book.ts';
import { AccountVault } from './upstreams/credentials/authorization-code/vault.ts';
import { writeCredentialReport } from './upstreams/credentials/report.ts';
import { remembered, transitions } from './upstreams/credentials/transitions.ts';
import { ServerDirectory } from './upstreams/index.ts';
import { StateBook, writeServerStates } from './upstreams/states.ts';

export interface GatewayParts {
  readonly keys: KeyRing;
  readonly masterKey: Buffer;
  readonly audit: AuditLog;
  readonly log: Log;
}

const mostWarnings = 1_000;

/** What one revision became. */
interface Generation {
  readonly revision: Revision;
  readonly graph: Graph;
  readonly authentication: Authentication;
  readonly tokens: TokenAuthenticator;
  readonly signIns: SignIns;
}

/** How often keys are looked at for reminders, in milliseconds. */
const reminderCheck = 3_600_000;

/** How often open streams are looked at for credentials that have ended, in milliseconds. */
const streamCheck = 1_000;

/** Milliseconds that comparing conditions with tools may take at once. */
const longestTurn = 10;

export class Gateway {
  readonly front: Front;
  readonly metrics: Metrics;
  readonly #parts: GatewayParts;
  readonly #catalogs: Catalogs;
  readonly #servers: ServerDirectory;
  readonly #streams = new Streams();
  readonly #rights: Rights = {
    graph: () => this.#generation.graph,
    renew: (caller) => this.#generation.authentication.renew(caller),
    underWay: new UnderWay(),
  };
  readonly #questions: Questions;
  readonly #stopListening: () => void;
  readonly #streamTimer: NodeJS.Timeout;
  readonly #reminders = new Reminders();
  readonly #reminderTimer: NodeJS.Timeout;
  readonly #issuerKeys: KeyDirectory;
  #generation: Generation;
  readonly #warned = new Set<string>();
  #draining = false;
  #closed = false;
  #reported = '{}';
  readonly #states = new StateBook();
  #statesReported = '{}';
  #credentials: ReturnType<ServerDirectory['credentials']> = {};
  readonly #secretChanges: SecretChanges;
  readonly #tickets = new Tickets();
  readonly #vault: AccountVault;
  readonly #book: AccountBook;
  /** The public URL, from the moment in which somebody listens. */
  #base: string | undefined;
  #pages: Pages | undefined;

  private constructor(
    revision: Revision,
    generation: (servers: ServerDirectory, catalogs: Catalogs, issuerKeys: KeyDirectory) => Generation,
    parts: GatewayParts,
  ) {
    this.#parts = parts;
    this.metrics = createMetrics(() => this.#streams.size);
    logBackgroundFailures(parts.log);
    const deliver = deliverThrough(inspectors);
    const catalogEvents = {
      onTool: (server: string, tool: string, schema: JsonObject) => this.#checkConditions(server, tool, schema),
      onReport: (report: ToolReport) => this.#reportTools(report),
    };
    this.#catalogs = new Catalogs(parts.log, catalogEvents, deliver);
    const { bounds, servers, data } = revision.configuration;
    this.#secretChanges = new SecretChanges(data);
    this.#vault = new AccountVault(revision.configuration.secrets, data);
    this.#book = new AccountBook({
      vault: this.#vault,
      data,
      base: () => this.#base,
      invite: (server, user, wanted) => this.#invite(server, user, wanted),
      note: (event) => parts.audit.note(event),
      log: parts.log,
    });
    this.#servers = new ServerDirectory(randomBytes(12).toString('hex'), bounds, parts.log, this.#book);
    this.#servers.configure(servers, bounds, revision.configuration.egress.allow);
    this.#questions = new Questions(createSeal(parts.masterKey, 'question'));
    this.#issuerKeys = new KeyDirectory(parts.log);
    this.#generation = generation(this.#servers, this.#catalogs, this.#issuerKeys);
    this.#stopListening = parts.keys.onRevoked((id) => {
      this.#streams.endCredential(id);
      this.#rights.underWay.review();
    });
    this.#streamTimer = setInterval(() => this.#endStreams(), streamCheck).unref();
    this.#remind();
    this.#reminderTimer = setInterval(() => this.#remind(), reminderCheck).unref();
    const { table } = this.metrics;
    this.metrics.serversUp(() =>
      Object.entries(this.#states.all()).map(([server, { state }]) => [server, state === 'up'] as const),
    );
    table('calls', () => this.#rights.underWay.size);
    table('streams', () => this.#streams.size);
    table('parked_questions', () => this.#questions.size);
    table('authentication_failures', () => this.#issuerKeys.throttle.size);
    table('dpop_proofs', () => this.#issuerKeys.proofs.size);
    table('account_pages', () => this.#tickets.size);
    const stages = makeStages({
      audit: parts.audit,
      log: parts.log,
      metrics: this.metrics,
      saw: (server, end) => this.#states.saw(server, end),
      questions: this.#questions,
      streams: this.#streams,
      rights: this.#rights,
      deliver,
      inspect: inspectThrough(inspectors),
    });
    this.front = {
      graph: () => this.#generation.graph,
      bounds: () => this.#generation.revision.configuration.bounds,
      stages,
      streams: this.#streams,
      identify: (credentials) => this.#generation.authentication.authenticate(credentials),
      authorizationServers: () => {
        const { issuers, scopesSupported } = this.#generation.revision.configuration.authentication;
        const named = Object.values(issuers).filter(({ resourceServer }) => resourceServer);
        return { issuers: named.map(({ issuer }) => issuer), scopes: scopesSupported };
      },
      renew: (caller) => this.#rights.renew(caller),
      subscribe: (exchange, caller, listener) =>
        new Subscription(exchange, { graph: () => this.#generation.graph, caller, deliver }, listener),
      sessionSeal: createSeal(parts.masterKey, 'session'),
      pages: () => this.#pages,
      draining: () => this.#draining,
      table,
    };
  }

  /** Somebody listens under this public URL, so there are pages from now on. */
  reachedAt(base: string): void {
    this.#base = base;
    this.#pages = accountPages({
      base,
      tickets: this.#tickets,
      accounts: (server) => this.#book.of(server),
      signIns: () => this.#generation.signIns,
      identify: (credentials) => this.front.identify(credentials),
      renew: (caller) => this.#rights.renew(caller),
      seal: createSeal(this.#parts.masterKey, 'browser'),
      clientMetadata: clientDocument,
      note: (event) => this.#parts.audit.note(event),
      log: this.#parts.log,
    });
  }

  #invite(server: string, user: string, wanted: readonly string[]): Invitation {
    // Without a page there is nothing that a ticket would be for.
    if (this.#base === undefined) return { server, id: '' };
    const ticket = this.#tickets.issue(server, user, wanted);
    return { server, url: `${this.#base}${accountPaths.page}${ticket.id}`, id: publicId(ticket) };
  }

  /** A revision whose rules do not compile makes no gateway. */
  static create(
    revision: Revision,
    parts: GatewayParts,
  ): { ok: true; gateway: Gateway } | { ok: false; diagnostics: readonly Diagnostic[] } {
    const compiled = compilePolicy(revision);
    if (!compiled.ok) return compiled;
    const gateway = new Gateway(
      revision,
      (servers, catalogs, issuerKeys) =>
        generationOf(revision, compiled.policy, servers, catalogs, parts.keys, issuerKeys, throttledNote(parts)),
      parts,
    );
    return { ok: true, gateway };
  }

  /** Correlation ids of the calls that servers have. */
  underWay(): readonly string[] {
    return this.#rights.underWay.ids();
  }

  get revision(): Revision {
    return this.#generation.revision;
  }

  /** Conditions that name arguments which a tool does not have can never open it: the operator should know at once. */
  #checkConditions(server: string, tool: string, inputSchema: JsonObject): void {
    for (const diagnostic of checkTool(this.revision, server, tool, inputSchema)) {
      const problem = formatDiagnostic(diagnostic);
      if (this.#warned.has(problem) || this.#warned.size >= mostWarnings) continue;
      this.#warned.add(problem);
      this.#parts.log.warn({ server, tool, problem }, 'condition does not fit the tool');
    }
  }

  /** The same for the tools that are known already, when other conditions come into force. */
  async #recheckConditions(): Promise<void> {
    const { revision } = this;
    let until = performance.now() + longestTurn;
    for (const [server, tool, schema] of this.#catalogs.tools()) {
      if (performance.now() > until) {
        await nextTurn();
        until = performance.now() + longestTurn;
      }
      if (this.revision !== revision || this.#draining) return;
      this.#checkConditions(server, tool, schema);
    }
  }

  /** For `server list` and `explain`: which tools cannot be used, and why. */
  #reportTools(report: ToolReport): void {
    try {
      writeToolReport(this.revision.configuration.data, report);
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'what is known of the tools cannot be written');
    }
  }

  /** Replaces everything at once, or nothing when the new revision is wrong. Calls under way end under the old one. */
  async swap(revision: Revision): Promise<readonly Diagnostic[]> {
    const compiled = await compilePolicyBeside(revision);
    // What is closed meanwhile takes no revision any more.
    if (this.#closed) return [];
    this.metrics.configurationLoaded(compiled.ok);
    if (!compiled.ok) return compiled.diagnostics;
    if (meansTheSame(revision, this.revision)) return [];
    const { bounds, servers, secrets, data } = revision.configuration;
    this.#vault.configure(secrets, data);
    this.#servers.configure(servers, bounds, revision.configuration.egress.allow);
    this.#states.keep(new Set(Object.keys(servers)));
    this.#generation = generationOf(
      revision,
      compiled.policy,
      this.#servers,
      this.#catalogs,
      this.#parts.keys,
      this.#issuerKeys,
      throttledNote(this.#parts),
    );
    this.#parts.audit.note({ kind: 'revision', at: Date.now(), detail: { revision: revision.digest } });
    this.#catalogs.configure(servers);
    inBackground('compare conditions with tools', this.#recheckConditions());
    this.#streams.endEnded((caller) => this.#rights.renew(caller));
    this.#streams.refresh();
    this.#rights.underWay.review();
    this.#remind();
    return [];
  }

  /** Keys that somebody should replace. They go on to work. */
  #remind(): void {
    const { maxAge } = this.revision.configuration.authentication.keys;
    for (const [{ id, createdAt, expiresAt }, reminder] of this.#reminders.due(
      this.#parts.keys.all(),
      maxAge,
      Date.now(),
    ))
      this.#parts.log.warn(
        {
          id,
          reminder,
          created: new Date(createdAt).toISOString(),
          ...(expiresAt === undefined ? {} : { expires: new Date(expiresAt).toISOString() }),
        },
        'an API key should be replaced: sallyport key rotate',
      );
  }

  /** No new work from now on; open streams end. Calls under way go on until `close`. */
  drain(): void {
    this.#draining = true;
    this.#streams.endAll();
  }

  /** For `server list`: how the gateway's own credentials are, without anything of them. */
  #reportCredentials(): void {
    const credentials = this.#servers.credentials();
    const report = JSON.stringify(credentials);
    if (report === this.#reported) return;
    this.#reported = report;
    for (const { server, problem, ...detail } of transitions(this.#credentials, credentials)) {
      const facts = { server, detail, ...(problem === undefined ? {} : { problem }) };
      this.#parts.audit.note({ kind: 'credential-state', at: Date.now(), ...facts });
    }
    this.#credentials = remembered(this.#credentials, credentials);
    try {
      writeCredentialReport(this.revision.configuration.data, report);
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the state of credentials cannot be written');
    }
  }

  /** For `server list`: which servers answer. */
  #reportStates(): void {
    const report = JSON.stringify(this.#states.all());
    if (report === this.#statesReported) return;
    this.#statesReported = report;
    try {
      writeServerStates(this.revision.configuration.data, report);
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the state of servers cannot be written');
    }
  }

  #lookAtAccounts(): void {
    try {
      this.#book.look();
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the accounts cannot be read');
    }
  }

  #noteSecrets(): void {
    try {
      for (const { name, change } of this.#secretChanges.look())
        this.#parts.audit.note({ kind: `secret-${change}`, at: Date.now(), detail: { secret: name } });
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the folder of secrets cannot be read');
    }
  }

  /** What a credential has opened ends with it: at its end, or when its issuer says that it is over. */
  #endStreams(): void {
    this.#lookAtAccounts();
    this.#reportCredentials();
    this.#reportStates();
    this.#noteSecrets();
    this.#streams.endEnded((caller) => this.#rights.renew(caller));
    this.#rights.underWay.review();
    const { tokens } = this.#generation;
    for (const caller of this.#streams.callers())
      if (caller.credential.kind === 'token')
        inBackground(
          'ask for token',
          tokens.stillGood(caller).then((good) => good || this.#streams.endCredential(caller.credential.id)),
        );
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#streamTimer);
    clearInterval(this.#reminderTimer);
    this.#stopListening();
    this.#questions.close();
    this.#reportCredentials();
    this.#reportStates();
    this.#noteSecrets();
    await this.#servers.close();
  }
}

/** The same words can mean other secrets than before, so what references stand for is compared as well. */
function meansTheSame(one: Revision, other: Revision): boolean {
  if (one.digest !== other.digest) return false;
  // Equal words, and these hold no references: they may be many.
  const resolved = ({
    configuration: { callers: _callers, connections: _connections, tests: _tests, ...rest },
  }: Revision) => rest;
  return isDeepStrictEqual(resolved(one), resolved(other));
}

/** The record of a source that has failed too often. */
function throttledNote({ audit, log }: GatewayParts): (address: string, pause: number) => void {
  return (address, pause) => {
    audit.note({ kind: 'authentication-throttled', at: Date.now(), address, detail: { pause } });
    log.warn({ address, pause }, 'authentication fails too often');
  };
}

function generationOf(
  revision: Revision,
  policy: Graph['policy'],
  upstreams: ServerDirectory,
  catalogs: Catalogs,
  keys: KeyRing,
  issuerKeys: KeyDirectory,
  onThrottled: (address: string, pause: number) => void,
): Generation {
  const { configuration } = revision;
  const { bounds, servers } = configuration;
  const serverOf = (name: string) => (Object.hasOwn(servers, name) ? servers[name] : undefined);
  const graph: Graph = {
    revision: revision.digest,
    bounds,
    policy,
    upstreams,
    statusOf: (name) => serverOf(name)?.status,
    catalog: (name, link) => {
      const config = serverOf(name);
      if (config === undefined) throw new Error(`no server ${name} in this revision`);
      return catalogs.of(link, config, bounds);
    },
  };
  const fetch = guardedFetch(egressGuard(configuration.egress.allow));
  issuerKeys.configure(configuration, fetch);
  const tokens = tokenAuthenticator({
    configuration,
    keysOf: (issuer) => issuerKeys.of(issuer),
    fetch,
    proofs: issuerKeys.proofs,
    throttle: issuerKeys.throttle,
  });
  const { throttle } = issuerKeys;
  const authentication = makeAuthentication({ configuration, keys, tokens, throttle, onThrottled });
  const ways = signIns(configuration, (issuer) => issuerKeys.of(issuer), fetch);
  return { revision, graph, tokens, authentication, signIns: ways };
}
