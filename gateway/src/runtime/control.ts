/**
 * Everything that a gateway does by itself, once in a process: it ends what has lost its right, asks issuers, reports the
 * state of servers and credentials, notes changes of secrets, and reminds of keys that are due for rotation.
 */
import { isDeepStrictEqual } from 'node:util';
import { type ToolReport, writeToolReport } from '../catalog/report.ts';
import type { Diagnostic } from '../config/diagnostic.ts';
import type { Revision } from '../config/revision.ts';
import { operatorNow } from '../operators/now.ts';
import type { OperatorStore } from '../operators/store.ts';
import type { PinStore } from '../pins/store.ts';
import type { AuditLog } from '../pipeline/contracts/audit.ts';
import { SecretChanges } from '../secrets/changes.ts';
import type { ApprovalStore } from '../stages/approve/store.ts';
import type { KeyRing } from '../stages/authenticate/api-key/key-ring.ts';
import { Reminders } from '../stages/authenticate/api-key/reminders.ts';
import { compilePolicy, compilePolicyBeside } from '../stages/decide/compile.ts';
import { type Changes, type Topic, topics } from '../state/contract/changes.ts';
import type { Local } from '../state/contract/later.ts';
import type { KeptSums } from '../state/contract/meters.ts';
import { inBackground, logBackgroundFailures } from '../telemetry/background.ts';
import type { Log } from '../telemetry/log.ts';
import { writeCredentialReport } from '../upstreams/credentials/report.ts';
import { remembered, transitions } from '../upstreams/credentials/transitions.ts';
import type { ServerDirectory } from '../upstreams/index.ts';
import { StateBook, writeServerStates } from '../upstreams/states.ts';
import { AccountLinking } from './account-linking.ts';
import { ConditionCheck } from './conditions.ts';
import { DataPlane } from './data-plane.ts';
import { Definitions } from './definitions.ts';
import { ScheduledDiscovery } from './discovery.ts';
import { type LimitDesk, limitDesk } from './limit-desk.ts';
import { type KeepBudgets, keepBudgets } from './limits.ts';

export interface ControlParts {
  readonly keys: KeyRing;
  readonly masterKey: Buffer;
  readonly audit: AuditLog;
  readonly log: Log;
  /** What other processes of the data folder change. */
  readonly changes: Local<Changes>;
  readonly pinStore: PinStore;
  readonly approvalStore: ApprovalStore;
  readonly operatorStore: OperatorStore;
  /** It answers what commands ask: the one process of a data folder that serves. */
  readonly answers: boolean;
  /** Where budgets are kept. */
  readonly sums: Local<KeptSums>;
}

/** How often keys are looked at for reminders, and open streams for credentials that have ended. */
const reminderIntervalMs = 3_600_000;
const streamIntervalMs = 1_000;
/** How soon what another process changed is taken over. */
const followIntervalMs = 250;

export class Control {
  readonly plane: DataPlane;
  readonly #parts: ControlParts;
  readonly #accounts: AccountLinking;
  readonly #conditions: ConditionCheck;
  readonly #states = new StateBook();
  readonly #secretChanges: SecretChanges;
  readonly #definitions: Definitions;
  readonly #discovery: ScheduledDiscovery;
  readonly #budgets: KeepBudgets;
  readonly #desk: LimitDesk | undefined;
  readonly #reminders = new Reminders();
  /** Changes by others that are not taken over yet. */
  readonly #pending = new Set<Topic>();
  /** Told once for each outage. */
  #isUnread = false;
  readonly #timers: readonly NodeJS.Timeout[];
  #credentials: ReturnType<ServerDirectory['credentials']> = {};
  /** The reports as they were written last. */
  #credentialsReported = '{}';
  #statesReported = '{}';
  #closed = false;
  #onApprovals: () => void = () => {};

  private constructor(revision: Revision, policy: DataPlane['snapshot']['policy'], parts: ControlParts) {
    const { keys, masterKey, audit, log } = parts;
    this.#parts = parts;
    logBackgroundFailures(log);
    this.#accounts = new AccountLinking(revision.configuration, {
      ...parts,
      onDecided: () => this.approvalDecided(),
    });
    this.#conditions = new ConditionCheck(() => this.plane.revision, log);
    this.#secretChanges = new SecretChanges(revision.configuration.data);
    this.#definitions = new Definitions({
      store: parts.pinStore,
      audit,
      log,
    });
    this.#definitions.configure(revision);
    this.plane = new DataPlane(revision, policy, {
      keys,
      masterKey,
      audit,
      log,
      book: this.#accounts.book,
      sums: parts.sums,
      pages: () => this.#accounts.pages,
      saw: (server, end) => this.#states.saw(server, end),
      sawIdentity: (server, identity) => this.#definitions.sawIdentity(server, identity),
      catalogEvents: {
        onTool: (server, tool, schema) => this.#conditions.check(server, tool, schema),
        onReport: (report) => this.#reportTools(report),
      },
      pins: this.#definitions.pins,
      approvalStore: parts.approvalStore,
      approvalPage: (approval, user) => this.#accounts.approvalPage(approval, user),
      operatorNow: (by) => operatorNow(parts.operatorStore, by),
      onApproval: () => parts.changes.announce('approvals'),
    });
    this.#discovery = new ScheduledDiscovery({
      configuration: () => this.plane.revision.configuration,
      glance: (server) => this.plane.servers.glance(server),
      pins: this.#definitions.pins,
      store: parts.pinStore,
      onLook: (server, outcome) => this.plane.metrics.discovery(server, outcome),
      now: () => performance.now(),
      random: Math.random,
    });
    this.plane.metrics.serversUp(() =>
      Object.entries(this.#states.all()).map(([server, { state }]) => [server, state === 'up'] as const),
    );
    this.plane.metrics.table('account_pages', () => this.#accounts.tickets.size);
    this.#budgets = keepBudgets(this.plane.meters, log);
    this.#desk = parts.answers ? limitDesk(this.plane, revision.configuration.data) : undefined;
    this.#remind();
    this.#timers = [
      setInterval(() => this.#follow(), followIntervalMs).unref(),
      setInterval(() => this.#look(), streamIntervalMs).unref(),
      setInterval(() => this.#remind(), reminderIntervalMs).unref(),
    ];
  }

  /** A revision whose rules do not compile makes no gateway. */
  static create(
    revision: Revision,
    parts: ControlParts,
  ): { ok: true; control: Control } | { ok: false; diagnostics: readonly Diagnostic[] } {
    const compiled = compilePolicy(revision);
    return compiled.ok ? { ok: true, control: new Control(revision, compiled.policy, parts) } : compiled;
  }

  /** A listener has this public URL, so there are pages for people from now on. */
  reachedAt(base: string): void {
    this.#accounts.reachedAt(base, {
      identify: (credentials) => this.plane.context.identify(credentials),
      renew: (caller) => this.plane.context.renew(caller),
      signIns: () => this.plane.snapshot.signIns,
    });
  }

  /** Called when approvals may have changed. */
  onApprovals(listener: () => void): void {
    this.#onApprovals = listener;
  }

  /** An operator decided in this process: calls that wait look again, and other processes are told. */
  approvalDecided(): void {
    this.#followApprovals();
    this.#attempt('other processes cannot be told of an approval', () => this.#parts.changes.announce('approvals'));
  }

  /** Replaces everything at once, or nothing when the new revision is wrong. */
  async swap(revision: Revision): Promise<readonly Diagnostic[]> {
    const compiled = await compilePolicyBeside(revision);
    // What is closed meanwhile takes no revision any more.
    if (this.#closed) return [];
    // What was changed by hand is announced by nothing.
    for (const topic of topics) this.#pending.add(topic);
    this.plane.metrics.configurationLoaded(compiled.ok);
    if (!compiled.ok) return compiled.diagnostics;
    if (meansTheSame(revision, this.plane.revision)) return [];
    this.#definitions.configure(revision);
    this.#accounts.configure(revision.configuration);
    this.#states.keep(new Set(Object.keys(revision.configuration.servers)));
    this.plane.take(revision, compiled.policy);
    this.#parts.audit.note({ kind: 'revision', at: Date.now(), detail: { revision: revision.digest } });
    inBackground(
      'compare conditions with tools',
      this.#conditions.checkAll(this.plane.catalogs.tools(), () => this.plane.isDraining),
    );
    this.#remind();
    return [];
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#budgets.close();
    this.#desk?.close();
    this.#reportCredentials();
    this.#reportStates();
    this.#noteSecrets();
    await this.plane.close();
  }

  /** The one look at what other processes change: while nothing does, it reads no file and no table. */
  #follow(): void {
    this.#parts.keys.follow();
    this.#budgets.look();
    try {
      const announced = this.#parts.changes.look();
      this.#isUnread = false;
      for (const topic of announced) this.#pending.add(topic);
      if (announced.length > 0) this.#takeOver();
    } catch (error) {
      if (!this.#isUnread) this.#parts.log.warn({ err: error }, 'changes by other processes cannot be read');
      this.#isUnread = true;
    }
  }

  /** What cannot be read now stays pending, and is tried again every second. */
  #takeOver(): void {
    if (this.#pending.has('accounts') || this.#pending.has('issuers')) this.#lookAtAccounts();
    if (this.#pending.has('secrets')) this.#noteSecrets();
    if (this.#pending.has('pins')) this.#followPins();
    if (this.#pending.has('approvals')) this.#followApprovals();
    if (this.#pending.has('letters')) this.#readLetters();
  }

  #look(): void {
    // Approvals end with time as well.
    this.#pending.add('approvals');
    this.#attempt('changes of operators cannot be recorded', () => {
      for (const event of this.#parts.operatorStore.takeEvents()) this.#parts.audit.note(event);
    });
    this.#attempt('decisions about definitions cannot be recorded', () => this.#definitions.recordDecisions());
    this.#takeOver();
    this.#reportCredentials();
    this.#reportStates();
    this.plane.endWithoutRight();
    this.plane.followHours();
    this.plane.askIssuers();
    this.#discovery.look();
  }

  /** Logs keys that are due for rotation; they stay valid. */
  #remind(): void {
    const { maxAge } = this.plane.revision.configuration.authentication.keys;
    const due = this.#reminders.due(this.#parts.keys.all(), maxAge, Date.now());
    for (const [{ id, createdAt, expiresAt }, reminder] of due)
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

  /** For `server list` and `explain`: which tools cannot be used, and why. */
  #reportTools(report: ToolReport): void {
    this.#attempt('what is known of the tools cannot be written', () =>
      writeToolReport(this.plane.revision.configuration.data, report),
    );
  }

  /** For `server list`: the state of the gateway's own credentials, never their material. */
  #reportCredentials(): void {
    const credentials = this.plane.servers.credentials();
    const report = JSON.stringify(credentials);
    if (report === this.#credentialsReported) return;
    this.#credentialsReported = report;
    for (const { server, problem, ...detail } of transitions(this.#credentials, credentials)) {
      const facts = { server, detail, ...(problem === undefined ? {} : { problem }) };
      this.#parts.audit.note({ kind: 'credential-state', at: Date.now(), ...facts });
    }
    this.#credentials = remembered(this.#credentials, credentials);
    this.#attempt('the state of credentials cannot be written', () =>
      writeCredentialReport(this.plane.revision.configuration.data, report),
    );
  }

  /** For `server list`: which servers answer. */
  #reportStates(): void {
    const report = JSON.stringify(this.#states.all());
    if (report === this.#statesReported) return;
    this.#statesReported = report;
    this.#attempt('the state of servers cannot be written', () =>
      writeServerStates(this.plane.revision.configuration.data, report),
    );
  }

  #lookAtAccounts(): void {
    this.#attempt('the accounts cannot be read', () => {
      this.#accounts.book.look();
      this.#pending.delete('accounts');
      this.#pending.delete('issuers');
    });
  }

  #followApprovals(): void {
    this.#attempt('the approvals cannot be read', () => {
      this.plane.approvals.look();
      this.#onApprovals();
      this.#pending.delete('approvals');
    });
  }

  #followPins(): void {
    this.#attempt('the pins cannot be read', () => {
      this.#definitions.follow();
      this.#pending.delete('pins');
      // Lists are judged anew when they are next read, and clients are told of what changes for them.
      this.plane.streams.refresh();
    });
  }

  #readLetters(): void {
    this.#attempt('the letters of commands cannot be read', () => {
      this.#desk?.look();
      this.#pending.delete('letters');
    });
  }

  #noteSecrets(): void {
    this.#attempt('the folder of secrets cannot be read', () => {
      for (const { name, change } of this.#secretChanges.look())
        this.#parts.audit.note({ kind: `secret-${change}`, at: Date.now(), detail: { secret: name } });
      this.#pending.delete('secrets');
    });
  }

  /** A file that cannot be read or written keeps nothing else from its work. */
  #attempt(problem: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.log.warn({ err: error }, problem);
    }
  }
}

/** The same words can mean other secrets than before, so what references stand for is compared as well. */
function meansTheSame(one: Revision, other: Revision): boolean {
  if (one.digest !== other.digest || !isDeepStrictEqual(one.lock?.entries, other.lock?.entries)) return false;
  // Equal words, and these hold no references: they may be many.
  const resolved = ({
    configuration: { callers: _callers, connections: _connections, tests: _tests, ...rest },
  }: Revision) => rest;
  return isDeepStrictEqual(resolved(one), resolved(other));
}
