/**
 * What calls go through: the snapshot in force, the road, and what listeners are given. It has no timers and does nothing
 * by itself. A new revision is built completely, then one reference is swapped.
 */
import { randomBytes } from 'node:crypto';
import { Catalogs, type CatalogsEvents } from '../catalog/index.ts';
import type { Revision } from '../config/revision.ts';
import type { ListenerContext } from '../listeners/context.ts';
import type { AuditLog, ExchangeEnd } from '../pipeline/contracts/audit.ts';
import type { Pages } from '../pipeline/contracts/pages.ts';
import type { Pins } from '../pipeline/contracts/pins.ts';
import type { Snapshot } from '../pipeline/contracts/snapshot.ts';
import { type Deliver, deliverThrough, ownWords } from '../pipeline/deliver.ts';
import { type Inspect, inspectThrough } from '../pipeline/inspect.ts';
import { type Rights, UnderWay } from '../pipeline/rights.ts';
import { Streams } from '../pipeline/streams.ts';
import { createSeal, derivedKey } from '../secrets/seal.ts';
import { type Approvals, type ApproveParts, createApprovals } from '../stages/approve/approve.ts';
import type { ApprovalStore } from '../stages/approve/store.ts';
import { taskBounds } from '../stages/approve/tasks.ts';
import type { KeyRing } from '../stages/authenticate/api-key/key-ring.ts';
import { IssuerKeyRegistry } from '../stages/authenticate/jwt/directory.ts';
import { createInspectionThread, type InspectionThread } from '../stages/inspect/beside/inspection-thread.ts';
import { createPlaceholders } from '../stages/inspect/guardrails/placeholders.ts';
import { inspectors } from '../stages/inspect/index.ts';
import { CircuitBreaker } from '../stages/limits/breaker/breaker.ts';
import { admission } from '../stages/limits/index.ts';
import { clock } from '../stages/limits/limiter/clock.ts';
import { Limiter } from '../stages/limits/limiter/limiter.ts';
import { Loops } from '../stages/limits/loops/loops.ts';
import { Subscription } from '../stages/local/subscription.ts';
import { maxStateLength, ParkedRequests } from '../stages/resume/input-requests.ts';
import type { Local } from '../state/contract/later.ts';
import type { KeptSums } from '../state/contract/meters.ts';
import { MemoryMeters } from '../state/memory/meters.ts';
import type { TaskRegistry } from '../state/sqlite/tasks.ts';
import { inBackground } from '../telemetry/background.ts';
import type { Log } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import type { AccountRegistry } from '../upstreams/credentials/authorization-code/book.ts';
import { type OnIdentity, ServerDirectory } from '../upstreams/index.ts';
import { breakerReporter, breakersOf } from './breakers.ts';
import { standbyReporter } from './health.ts';
import { budgetTrouble, keptLimits, limitReporter } from './limits.ts';
import { makeStages } from './road.ts';
import type { ServerControls } from './server-controls.ts';
import { type RuntimeSnapshot, type SnapshotParts, snapshotOf } from './snapshot.ts';

export interface DataPlaneParts {
  readonly keys: KeyRing;
  readonly masterKey: Buffer;
  readonly audit: AuditLog;
  readonly log: Log;
  readonly book: AccountRegistry;
  /** Where budgets are kept. */
  readonly sums: Local<KeptSums>;
  /** Pages for people; `undefined` until the public URL is known. */
  readonly pages: () => Pages | undefined;
  /** How an exchange with a server ended. */
  readonly saw: (server: string, end: ExchangeEnd) => void;
  /** Which server it was that answered. */
  readonly sawIdentity: OnIdentity;
  readonly catalogEvents: CatalogsEvents;
  readonly pins: Pins;
  readonly approvalStore: ApprovalStore;
  /** Held calls as tasks, sealed. */
  readonly taskRegistry: TaskRegistry;
  /** The page of an approval for the user that a call is made for. */
  readonly approvalPage: ApproveParts['pageFor'];
  /** An approval has another state. */
  readonly onApprovalState: ApproveParts['onState'];
  readonly controls: ServerControls;
  /** What an operator that decided about an approval is now. */
  readonly operatorNow: ApproveParts['operatorNow'];
  /** Tells approvers and other processes that an approval is wanted or was used. */
  readonly onApproval: () => void;
}

/** Keys of all limits together: what a million of them takes is in docs/limits.md. */
const maxLimitKeys = 1_000_000;

export class DataPlane {
  readonly context: ListenerContext;
  readonly metrics: Metrics;
  readonly streams = new Streams();
  readonly servers: ServerDirectory;
  readonly catalogs: Catalogs;
  readonly approvals: Approvals;
  readonly limiter: Limiter;
  readonly meters: MemoryMeters;
  readonly breaker: CircuitBreaker;
  /** The clocks that limits go by. */
  readonly now = clock();
  readonly #rights: Rights = {
    snapshot: () => this.#snapshot,
    renew: (caller) => this.#snapshot.authentication.renew(caller),
    underWay: new UnderWay(),
  };
  readonly #loops: Loops;
  readonly #inputRequests: ParkedRequests;
  readonly #inspectionThread: InspectionThread;
  readonly #parts: SnapshotParts;
  readonly #stopListening: () => void;
  #snapshot: RuntimeSnapshot;
  /** Limits whose counts outlive the process. */
  #kept: ReadonlySet<string> = new Set();
  #hours = '';
  #draining = false;

  constructor(revision: Revision, policy: Snapshot['policy'], parts: DataPlaneParts) {
    const { keys, masterKey, audit, log, book } = parts;
    const { bounds, servers, egress } = revision.configuration;
    this.metrics = createMetrics(() => this.streams.size);
    this.#inspectionThread = createInspectionThread((problem) => log.error({ problem }, 'an inspection failed'));
    const all = inspectors({
      fingerprintKey: derivedKey(masterKey, 'fingerprint'),
      placeholders: createPlaceholders(derivedKey(masterKey, 'placeholder', 64)),
      guardrailsOf: (server) => this.#snapshot.policy.guardrailsOf(server),
      onFinding: this.metrics.finding,
      thread: this.#inspectionThread,
    });
    this.meters = new MemoryMeters({
      maxKeys: maxLimitKeys,
      kept: { sums: parts.sums, isKept: (table) => this.#kept.has(table), onTrouble: budgetTrouble(log) },
    });
    this.limiter = new Limiter({
      meters: this.meters,
      now: this.now,
      onEvent: limitReporter({ audit, log, metrics: this.metrics }),
    });
    this.breaker = new CircuitBreaker(breakerReporter({ audit, log, metrics: this.metrics }));
    this.breaker.configure(breakersOf(revision.configuration));
    this.#loops = new Loops({ onLoop: (what) => this.metrics.limit('loops', what) });
    const deliver = deliverThrough(all);
    this.approvals = createApprovals({
      store: parts.approvalStore,
      audit,
      rights: this.#rights,
      waitMs: () => this.revision.configuration.approvals.wait,
      operatorNow: parts.operatorNow,
      pageFor: parts.approvalPage,
      onState: parts.onApprovalState,
      onPageOver: (caller, approval) =>
        this.streams.notify(caller, 'notifications/elicitation/complete', ownWords({ elicitationId: approval })),
      announce: parts.onApproval,
    });
    this.catalogs = new Catalogs({ log, events: parts.catalogEvents, deliver, pins: parts.pins });
    this.servers = new ServerDirectory(randomBytes(12).toString('hex'), bounds, {
      log,
      book,
      onStandby: standbyReporter({ audit, log }),
      onIdentity: parts.sawIdentity,
    });
    this.servers.configure(servers, bounds, egress.allow);
    this.#inputRequests = new ParkedRequests(createSeal(masterKey, 'input-request', maxStateLength));
    this.#parts = {
      keys,
      upstreams: this.servers,
      catalogs: this.catalogs,
      breaker: this.breaker,
      controls: parts.controls,
      issuerKeys: new IssuerKeyRegistry(log),
      onThrottled: (address, pause) => {
        audit.note({ kind: 'authentication-throttled', at: Date.now(), address, detail: { pause } });
        log.warn({ address, pause }, 'authentication fails too often');
      },
    };
    this.#snapshot = snapshotOf(revision, policy, this.#parts);
    this.#kept = keptLimits(this.#snapshot.limits);
    this.#hours = policy.hoursAt(Date.now());
    this.#stopListening = keys.onRevoked((id) => {
      this.streams.endCredential(id);
      this.#rights.underWay.review();
    });
    this.#showTables();
    this.context = this.#contextOf(parts, deliver, inspectThrough(all));
  }

  get snapshot(): RuntimeSnapshot {
    return this.#snapshot;
  }

  get revision(): Revision {
    return this.#snapshot.loaded;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Correlation ids of the calls that servers have. */
  underWay(): readonly string[] {
    return this.#rights.underWay.ids();
  }

  /** Replaces everything at once. Calls under way end under the snapshot with which they began. */
  take(revision: Revision, policy: Snapshot['policy']): void {
    const { bounds, servers, egress } = revision.configuration;
    this.servers.configure(servers, bounds, egress.allow);
    this.breaker.configure(breakersOf(revision.configuration));
    this.#snapshot = snapshotOf(revision, policy, this.#parts);
    this.catalogs.configure(servers);
    this.#kept = keptLimits(this.#snapshot.limits);
    this.meters.keep(new Set(this.#snapshot.limits.all.map(({ id }) => id)));
    this.endWithoutRight();
    this.streams.refresh();
  }

  /** Whether it may be asked for anything. */
  isInService(server: string): boolean {
    const status = this.#snapshot.statusOf(server);
    return status === 'active' || status === 'draining';
  }

  /** What operators switched off or on: calls that may go on no longer are cut, and streams hear of it. */
  takeControls(servers: ReadonlySet<string>): void {
    if (servers.size === 0) return;
    // Another one, so that what is under way is judged anew.
    this.#snapshot = { ...this.#snapshot };
    this.#rights.underWay.review();
    for (const server of servers) {
      const status = this.#snapshot.statusOf(server);
      if (status === 'disabled' || status === 'quarantined') this.servers.stop(server);
    }
    this.streams.refresh();
  }

  /** What the hours of connections open and close, open streams hear of. */
  followHours(): void {
    const hours = this.#snapshot.policy.hoursAt(Date.now());
    if (hours === this.#hours) return;
    this.#hours = hours;
    this.streams.refresh();
  }

  /** What a credential has opened ends with it: at its end, or when its issuer says that it is over. */
  endWithoutRight(): void {
    this.streams.endEnded((caller) => this.#rights.renew(caller));
    this.#rights.underWay.review();
  }

  /** Asks the issuers of tokens that keep streams open whether these are still good. */
  askIssuers(): void {
    const { tokens } = this.#snapshot;
    for (const caller of this.streams.callers())
      if (caller.credential.kind === 'token')
        inBackground(
          'ask for token',
          tokens.stillGood(caller).then((good) => good || this.streams.endCredential(caller.credential.id)),
        );
  }

  /** No new work from now on; open streams end. Calls under way go on until `close`. */
  drain(): void {
    this.#draining = true;
    this.streams.endAll();
    this.approvals.release();
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#inputRequests.close();
    this.#inspectionThread.close();
    await this.servers.close();
    // What became of approvals until now is recorded.
    await this.approvals.look();
    await this.approvals.settled();
  }

  #contextOf(
    { masterKey, audit, log, pages, saw, taskRegistry, approvalStore }: DataPlaneParts,
    deliver: Deliver,
    inspect: Inspect,
  ): ListenerContext {
    const stages = makeStages({
      limit: admission(),
      limiter: this.limiter,
      loops: this.#loops,
      audit,
      log,
      metrics: this.metrics,
      saw,
      inputRequests: this.#inputRequests,
      streams: this.streams,
      rights: this.#rights,
      deliver,
      inspect,
      approvals: this.approvals,
      tasks: {
        registry: taskRegistry,
        settle: taskRegistry.settle,
        seal: createSeal(masterKey, 'task', taskBounds.content),
        store: approvalStore,
        onWithdrawn: () => this.approvals.look(),
      },
    });
    return {
      snapshot: () => this.#snapshot,
      bounds: () => this.revision.configuration.bounds,
      stages,
      streams: this.streams,
      identify: (credentials) => this.#snapshot.authentication.authenticate(credentials),
      authorizationServers: () => {
        const { issuers, scopesSupported } = this.revision.configuration.authentication;
        const named = Object.values(issuers).filter(({ resourceServer }) => resourceServer);
        return { issuers: named.map(({ issuer }) => issuer), scopes: scopesSupported };
      },
      renew: (caller) => this.#rights.renew(caller),
      subscribe: (exchange, caller, listener) =>
        new Subscription(
          exchange,
          { snapshot: () => this.#snapshot, caller, deliver, inspect, watched: this.streams.watched },
          listener,
        ),
      sessionSeal: createSeal(masterKey, 'session'),
      pages,
      draining: () => this.#draining,
      tellsLimits: () => this.revision.configuration.listen.mcp.rateLimitHeaders,
      table: this.metrics.table,
    };
  }

  #showTables(): void {
    const { table } = this.metrics;
    const { issuerKeys } = this.#parts;
    table('approvals_awaited', () => this.approvals.size);
    table('calls', () => this.#rights.underWay.size);
    table('streams', () => this.streams.size);
    table('watched_chars', () => this.streams.watched.size);
    table('parked_input_requests', () => this.#inputRequests.size);
    table('authentication_failures', () => issuerKeys.throttle.size);
    table('dpop_proofs', () => issuerKeys.proofs.size);
    table('limits', () => this.meters.size());
    table('loops', () => this.#loops.size);
    table('breakers', () => this.breaker.size);
    this.metrics.openCircuits(() =>
      this.breaker.open().map(({ server, part }) => ({ server, of: part === undefined ? 'server' : 'tool' })),
    );
    this.metrics.serverStatus(() =>
      Object.keys(this.revision.configuration.servers).map(
        (server) => [server, this.#snapshot.statusOf(server) ?? 'inactive'] as const,
      ),
    );
    table('limit_queues', () => this.limiter.waiting);
  }
}
