/** Opens the data folder of a gateway and starts what lives as long as the process: keys, evidence log, control, watchdog. */
import { join } from 'node:path';
import { openOutbox } from '../channels/outbox.ts';
import { exitCodes } from '../cli/exit-codes.ts';
import { formatDiagnostic } from '../config/diagnostic.ts';
import { loadConfiguration } from '../config/load.ts';
import type { Revision } from '../config/revision.ts';
import { proxyProblem } from '../egress/proxy.ts';
import { type OperatorStore, openOperatorStore } from '../operators/store.ts';
import { openPinStore } from '../pins/store.ts';
import type { AuditLog } from '../pipeline/contracts/audit.ts';
import { keepJournalShort } from '../process/checkpoints.ts';
import { keepCallsYoung } from '../process/engine.ts';
import { leaveLastWords, takeLastWords } from '../process/last-words.ts';
import { startWatchdog } from '../process/watchdog.ts';
import { ownFolders } from '../secrets/data-folder.ts';
import { openLogMasterKey, openMasterKey } from '../secrets/master-key.ts';
import { type ApprovalStore, openApprovalStore } from '../stages/approve/store.ts';
import { taskBounds } from '../stages/approve/tasks.ts';
import { openKeyRing } from '../stages/authenticate/api-key/open.ts';
import { keyEnded, keyMade, keysMeanwhile, statusChanges } from '../stages/record/changes.ts';
import { type HistoryDesk, historyDesk } from '../stages/record/history/history.ts';
import { auditSettings, indexPath, keyPlaces, logFolder, openAudit } from '../stages/record/open.ts';
import { openChanges } from '../state/sqlite/changes.ts';
import { openSums } from '../state/sqlite/sums.ts';
import { openTaskRegistry } from '../state/sqlite/tasks.ts';
import { keptProblems } from '../stores/kept-files.ts';
import { removeLeftDrafts } from '../stores/left-drafts.ts';
import { createLog, type Log, type LogLevel } from '../telemetry/log.ts';
import { openControlStore } from '../upstreams/controls/store.ts';
import { Control } from './control.ts';
import { report } from './messages.ts';
import { type ManagedSecrets, manageSecrets } from './secrets.ts';

/** A running gateway without listeners, or the code to end with. */
export type Opened =
  | {
      readonly ok: true;
      readonly gateway: Control;
      readonly audit: AuditLog;
      readonly approvals: ApprovalStore;
      readonly operators: OperatorStore;
      /** Absent where nothing is recorded, or no index kept. */
      readonly history: HistoryDesk | undefined;
      readonly masterKey: Buffer;
      readonly log: Log;
      readonly managed: ManagedSecrets;
      /** Milliseconds since the epoch at which the configuration began to be read. */
      readonly began: number;
      problems(): readonly string[];
      readonly configureAudit: (revision: Revision) => void;
      close(): Promise<void>;
    }
  | { readonly ok: false; readonly code: number };

export async function open(path: string, role: 'serve' | 'stdio', level: LogLevel): Promise<Opened> {
  keepCallsYoung();
  const log = createLog(level);
  const managed = manageSecrets();
  const began = Date.now();
  const proxies = proxyProblem(process.env);
  if (proxies !== undefined) return complainAll([`sallyport: ${proxies}`]);
  const loaded = await loadConfiguration(path, process.env, managed.loading);
  if (!loaded.ok) return complainAll(loaded.diagnostics.map(formatDiagnostic));
  const { data, audit: auditing } = loaded.revision.configuration;
  const kept = keptProblems(data);
  if (kept.length > 0)
    return complainAll(
      kept.map(({ problem, remedy }) => `sallyport: ${problem}\n    ${remedy}`),
      exitCodes.data,
    );
  const masterKey = openMasterKey(data);
  if (!masterKey.ok) return complainAll([`${masterKey.problem}\n    ${masterKey.remedy}`], exitCodes.data);
  removeLeftDrafts([data, ...ownFolders.map((name) => join(data, name))], Date.now());
  const logKey = openLogMasterKey(data, auditing.keys.master);
  if (!logKey.ok) return complainAll([`${logKey.problem}\n    ${logKey.remedy}`], exitCodes.data);
  const keys = openKeyRing(data, (error) => log.warn({ err: error }, 'the key store cannot be read'));
  if (!keys.ok) return complainAll([`${keys.problem}\n    ${keys.remedy}`], exitCodes.data);
  const changes = openChanges(data);
  const pinStore = openPinStore(data);
  const onDisk = {
    onProblem: (problem: string): void => log.error({ problem }, 'held calls cannot be kept, and are refused'),
  };
  const approvalStore = openApprovalStore(data, masterKey.key, onDisk);
  const controlStore = openControlStore(data);
  const taskRegistry = openTaskRegistry(
    data,
    {
      maxEntries: taskBounds.tasks,
      maxOfOwner: taskBounds.ofOne,
      lifetimeMs: taskBounds.lifetimeMs,
      whenFull: 'refuse',
    },
    onDisk,
  );
  const outbox = openOutbox(data, masterKey.key);
  const operatorStore = openOperatorStore(data, masterKey.key);
  const sums = openSums(data);
  const checkpoints = keepJournalShort(data, (problem) =>
    log.warn({ problem }, 'the journal of the database is moved into it while calls wait'),
  );
  const closeKept = async (): Promise<void> => {
    await checkpoints.close();
    keys.value.close();
    changes.close();
    pinStore.close();
    approvalStore.close();
    controlStore.close();
    operatorStore.close();
    outbox.close();
    taskRegistry.close();
    sums.close();
  };
  const opened = await openAudit({
    configuration: loaded.revision.configuration,
    master: logKey.key,
    role,
    onHealth: (problem) =>
      problem === undefined ? log.info({}, 'audit log recovered') : log.error({ problem }, 'audit log write failed'),
    onTrouble: (problem) => log.warn({ problem }, 'the audit log needs attention'),
  });
  if (!opened.ok) {
    await closeKept();
    return complainAll([`sallyport: ${opened.problem}\n    ${opened.remedy}`], exitCodes.data);
  }
  const audit = opened.log;
  if (!loaded.revision.configuration.audit.enabled) log.warn({}, 'audit.enabled is false: nothing is recorded');
  const made = Control.create(loaded.revision, {
    keys: keys.value,
    masterKey: masterKey.key,
    audit,
    log,
    changes,
    pinStore,
    approvalStore,
    controlStore,
    operatorStore,
    outbox,
    taskRegistry,
    sums,
    answers: role === 'serve',
  });
  if (!made.ok) {
    await closeKept();
    await audit.close();
    return complainAll(made.diagnostics.map(formatDiagnostic));
  }
  const gateway = made.control;
  const history =
    role === 'serve' && auditing.enabled && auditing.index
      ? historyDesk(
          {
            folder: logFolder(data, 'log'),
            keys: keyPlaces(data, 'log', auditing.keys.signing),
            master: logKey.key,
            path: indexPath(data, 'log'),
          },
          (problem) => log.warn({ problem }, 'what was called before is not shown to approvers'),
        )
      : undefined;
  audit.note({ kind: 'start', at: Date.now(), detail: { revision: loaded.revision.digest } });
  for (const { kind, at, pid, stack, open } of takeLastWords(data)) {
    log.error({ kind, at: new Date(at).toISOString(), pid, stack, open }, 'an earlier process ended badly');
    audit.note({ kind, at: Date.now(), detail: { endedAt: at, pid, open: [...open] }, problem: stack });
  }
  const stopWatching = await startWatchdog({
    data,
    stallMs: () => gateway.plane.revision.configuration.bounds.stall,
    exitCode: exitCodes.stalled,
    open: () => gateway.plane.underWay(),
  });
  const isOver = catchLast(data, log, () => gateway.plane.underWay());
  // A gateway of stdio has a log of its own, which need not tell what happened beside it.
  const missed = role === 'serve' ? keysMeanwhile(keys.value.all(), audit.served, Date.now()) : [];
  for (const event of missed) audit.note(event);
  keys.value.onMade((key) => audit.note(keyMade(key)));
  keys.value.onRevoked((id) => {
    const key = [...keys.value.all()].find((each) => each.id === id);
    audit.note(keyEnded(id, key, Date.now()));
  });
  let { configuration } = loaded.revision;
  return {
    ok: true,
    gateway,
    audit,
    approvals: approvalStore,
    operators: operatorStore,
    history,
    masterKey: masterKey.key,
    log,
    managed,
    began,
    configureAudit: (revision) => {
      for (const event of statusChanges(configuration, revision.configuration, Date.now())) audit.note(event);
      configuration = revision.configuration;
      audit.configure(auditSettings(configuration));
    },
    problems: () => {
      const health = audit.health();
      const problems = health.ok ? [] : [health.problem];
      return gateway.plane.context.draining() ? [...problems, 'draining'] : problems;
    },
    async close() {
      await history?.close();
      await gateway.close();
      await closeKept();
      audit.note({ kind: 'stop', at: Date.now(), detail: {} });
      await audit.close();
      stopWatching();
      isOver();
    },
  };
}

/**
 * The last handler. A promise that nothing caught is a bug that leaves everything else as it was, so it is written down
 * and the gateway goes on; after an error that nothing caught the state is unknown, so the process ends.
 */
function catchLast(data: string, log: Log, open: () => readonly string[]): () => void {
  const onRejection = (error: unknown): void => log.error({ err: error }, 'bug: please report it');
  const onError = (error: unknown): void => {
    log.error({ err: error }, 'bug: please report it; the gateway ends');
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    leaveLastWords(data, { kind: 'crash', at: Date.now(), pid: process.pid, stack, open: open().slice(0, 100) });
    process.exit(exitCodes.internal);
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onError);
  return () => {
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onError);
  };
}

function complainAll(texts: readonly string[], code: number = exitCodes.configuration): Opened {
  for (const text of texts) report(text);
  return { ok: false, code };
}
