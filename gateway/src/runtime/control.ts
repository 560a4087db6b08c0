/**
 * Everything that a gateway does by itself, once in a process: it ends what has lost its right, asks issuers, reports the
 * state of servers and credentials, notes changes of secrets, and reminds of keys that are due for rotation.
 */
import { writeToolReport } from '../catalog/report.ts';
import type { Outbox } from '../channels/outbox.ts';
import type { Diagnostic } from '../config/diagnostic.ts';
import type { Revision } from '../config/revision.ts';
import type { Configuration } from '../config/schema/index.ts';
import { followGroups } from '../operators/groups.ts';
import { deciderNow } from '../operators/now.ts';
import type { OperatorEvent, OperatorStore } from '../operators/store.ts';
import type { PinStore } from '../pins/store.ts';
import type { AuditEvent, AuditLog } from '../pipeline/contracts/audit.ts';
import { SecretChanges } from '../secrets/changes.ts';
import { derivedKey } from '../secrets/seal.ts';
import type { ApprovalStore } from '../stages/approve/store.ts';
import type { KeyRing } from '../stages/authenticate/api-key/key-ring.ts';
import { Reminders } from '../stages/authenticate/api-key/reminders.ts';
import { compilePolicy, compilePolicyBeside } from '../stages/decide/compile.ts';
import { type Changes, type Topic, topics } from '../state/contract/changes.ts';
import type { Local } from '../state/contract/later.ts';
import type { KeptSums } from '../state/contract/meters.ts';
import type { TaskRegistry } from '../state/sqlite/tasks.ts';
import { Recording } from '../stores/recording.ts';
import { inBackground, logBackgroundFailures } from '../telemetry/background.ts';
import type { Log } from '../telemetry/log.ts';
import type { ControlStore } from '../upstreams/controls/store.ts';
import { healthByCalls, type ServerHealth, StateBook, withBreakers, withHealth } from '../upstreams/states.ts';
import { AccountLinking } from './account-linking.ts';
import { Channels } from './channels.ts';
import { ConditionCheck } from './conditions.ts';
import { DataPlane } from './data-plane.ts';
import { Definitions } from './definitions.ts';
import { ScheduledDiscovery } from './discovery.ts';
import { logDueKeys } from './due-keys.ts';
import { HealthChecks } from './health.ts';
import { type LimitDesk, limitDesk } from './limit-desk.ts';
import { earlier, type KeepBudgets, keepBudgets } from './limits.ts';
import { meansTheSame } from './same-meaning.ts';
import { ServerControls } from './server-controls.ts';
import { ServerReports } from './server-reports.ts';

export interface ControlParts {
  readonly keys: KeyRing;
  readonly masterKey: Buffer;
  readonly audit: AuditLog;
  readonly log: Log;
  /** What other processes of the data folder change. */
  readonly changes: Local<Changes>;
  readonly pinStore: PinStore;
  readonly approvalStore: ApprovalStore;
  readonly controlStore: ControlStore;
  readonly operatorStore: OperatorStore;
  readonly outbox: Outbox;
  readonly taskRegistry: TaskRegistry;
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
  readonly channels: Channels;
  readonly #parts: ControlParts;
  readonly #accounts: AccountLinking;
  readonly #conditions: ConditionCheck;
  readonly #states = new StateBook();
  readonly #secretChanges: SecretChanges;
  readonly #definitions: Definitions;
  readonly #controls: ServerControls;
  readonly #operatorEvents: Recording<OperatorEvent, AuditEvent>;
  readonly #health: HealthChecks;
  readonly #reports: ServerReports;
  readonly #discovery: ScheduledDiscovery;
  readonly #budgets: KeepBudgets;
  readonly #desk: LimitDesk | undefined;
  readonly #reminders = new Reminders();
  /** Changes by others that are not taken over yet. */
  readonly #pending = new Set<Topic>();
  /** Told once for each outage. */
  #isUnread = false;
  readonly #timers: readonly NodeJS.Timeout[];
  /** What is done when another process has changed something, and what is said when it cannot be. */
  readonly #followed: readonly (readonly [topics: readonly Topic[], problem: string, work: () => void])[] = [
    [['accounts', 'issuers'], 'the accounts cannot be read', () => this.#accounts.book.look()],
    [['secrets'], 'the folder of secrets cannot be read', () => this.#noteSecrets()],
    [
      ['pins'],
      'the pins cannot be read',
      () => {
        this.#definitions.follow();
        // Lists are judged anew when they are next read, and clients are told of what changes for them.
        this.plane.streams.refresh();
      },
    ],
    [['approvals'], 'the approvals cannot be read', () => this.#followApprovals()],
    [['servers'], 'what operators switched off cannot be read', () => this.plane.takeControls(this.#controls.look())],
    [['letters'], 'the letters of commands cannot be read', () => this.#desk?.look()],
  ];
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
    this.channels = new Channels({
      outbox: parts.outbox,
      buttonKey: derivedKey(masterKey, 'slack-button'),
      log,
      onOutcome: (channel, outcome) => this.plane.metrics.channel(channel, outcome),
    });
    this.channels.configure(revision.configuration);
    this.#conditions = new ConditionCheck(() => this.plane.revision, log);
    this.#secretChanges = new SecretChanges(revision.configuration.data);
    this.#operatorEvents = new Recording(parts.operatorStore.unrecorded, audit);
    this.#definitions = new Definitions({ store: parts.pinStore, audit, log });
    this.#definitions.configure(revision);
    this.#controls = new ServerControls({ store: parts.controlStore, audit, log });
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
        // For `server list` and `explain`: which tools cannot be used, and why.
        onReport: (report) =>
          this.#attempt('what is known of the tools cannot be written', () =>
            writeToolReport(this.plane.revision.configuration.data, report),
          ),
      },
      pins: this.#definitions.pins,
      approvalStore: parts.approvalStore,
      taskRegistry: parts.taskRegistry,
      onApprovalState: (approval) =>
        this.#attempt('a message to people cannot be kept', () => this.channels.tell(approval)),
      approvalPage: (approval, user) => this.#accounts.approvalPage(approval, user),
      controls: this.#controls,
      operatorNow: (by) => deciderNow(parts.operatorStore, by),
      onApproval: () => parts.changes.announce('approvals'),
    });
    this.#discovery = new ScheduledDiscovery({
      configuration: () => this.plane.revision.configuration,
      glance: (server) => (this.plane.isInService(server) ? this.plane.servers.glance(server) : undefined),
      pins: this.#definitions.pins,
      onLook: (server, outcome) => this.plane.metrics.discovery(server, outcome),
      now: () => performance.now(),
      random: Math.random,
    });
    this.plane.metrics.serversUp(() =>
      Object.entries(this.#states.all()).map(([server, { state }]) => [server, state === 'up'] as const),
    );
    this.#health = new HealthChecks({
      audit,
      log,
      check: (server) => this.plane.servers.check(server),
      statusOf: (server) => this.plane.snapshot.statusOf(server),
      isOnStandby: (server) => this.plane.servers.isOnStandby(server),
    });
    this.#health.configure(revision.configuration);
    this.#reports = new ServerReports({
      audit,
      log,
      data: () => this.plane.revision.configuration.data,
      credentials: () => this.plane.servers.credentials(),
      states: () => withHealth(withBreakers(this.#states.all(), this.plane.breaker.open()), this.#health.all()),
    });
    this.plane.metrics.serverHealth(() =>
      Object.entries(this.#health.all()).map(([server, found]) => ({ server, ...found })),
    );
    this.plane.metrics.table('account_pages', () => this.#accounts.tickets.size);
    this.#followGroups(revision.configuration);
    this.#budgets = keepBudgets(this.plane.meters, log, () => earlier(this.plane.now()));
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
    this.channels.configure(revision.configuration);
    this.#states.keep(new Set(Object.keys(revision.configuration.servers)));
    this.plane.take(revision, compiled.policy);
    this.#health.configure(revision.configuration);
    this.#followGroups(revision.configuration);
    this.#parts.audit.note({ kind: 'revision', at: Date.now(), detail: { revision: revision.digest } });
    inBackground(
      'compare conditions with tools',
      this.#conditions.checkAll(this.plane.catalogs.tools(), () => this.plane.isDraining),
    );
    this.#remind();
    return [];
  }

  /** By the checks of a server; where there are none, by the calls that were made there. `undefined`: no such server. */
  healthOf(server: string): ServerHealth | undefined {
    if (this.plane.snapshot.statusOf(server) === undefined) return undefined;
    return this.#health.of(server) ?? healthByCalls(this.#states.of(server) ?? {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#health.close();
    for (const timer of this.#timers) clearInterval(timer);
    this.#budgets.close();
    this.#desk?.close();
    this.#reports.write();
    this.#attempt('the folder of secrets cannot be read', () => this.#noteSecrets());
    await this.plane.close();
    await Promise.all([this.#definitions, this.#controls, this.#operatorEvents].map((each) => each.settled()));
  }

  /** Where operators sign in: another process on the same data may have another configuration. */
  #followGroups({ console: { groups } }: Configuration): void {
    const { answers, operatorStore, audit } = this.#parts;
    if (answers) this.#attempt('operators cannot be read', () => followGroups(operatorStore, groups, audit));
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
    for (const [topics, problem, work] of this.#followed)
      if (topics.some((topic) => this.#pending.has(topic)))
        this.#attempt(problem, () => {
          work();
          for (const topic of topics) this.#pending.delete(topic);
        });
  }

  #look(): void {
    // Approvals end with time as well.
    this.#pending.add('approvals');
    if (this.#controls.isDue(Date.now())) this.#pending.add('servers');
    this.#attempt('changes of operators cannot be recorded', () => {
      this.#operatorEvents.record(this.#operatorEvents.take(Date.now()), (event) => event);
    });
    this.#attempt('what operators switched off cannot be recorded', () => this.#controls.recordDecisions());
    this.#attempt('decisions about definitions cannot be recorded', () => this.#definitions.recordDecisions());
    this.#takeOver();
    this.#attempt('messages to people cannot be read', () => this.channels.sender.look());
    this.plane.breaker.sweep();
    this.#reports.write();
    this.plane.endWithoutRight();
    this.plane.followHours();
    this.plane.askIssuers();
    this.#discovery.look();
  }

  #remind(): void {
    const { maxAge } = this.plane.revision.configuration.authentication.keys;
    logDueKeys(this.#parts.log, this.#reminders.due(this.#parts.keys.all(), maxAge, Date.now()));
  }

  /** Looked at each second, so that what fails now is tried again soon. */
  #followApprovals(): void {
    inBackground(
      'follow approvals',
      this.plane.approvals.look().then(() => this.#onApprovals()),
    );
  }

  #noteSecrets(): void {
    for (const { name, change } of this.#secretChanges.look())
      this.#parts.audit.note({ kind: `secret-${change}`, at: Date.now(), detail: { secret: name } });
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
