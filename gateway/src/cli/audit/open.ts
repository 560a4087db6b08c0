/** What the audit commands share: the log, its keys, its index, and a writer to ask. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../../config/schema/index.ts';
import { messageOf } from '../../protocol/result.ts';
import { shownInLine } from '../../protocol/shown.ts';
import { openLogMasterKey } from '../../secrets/master-key.ts';
import { auditSettings, indexPath, keyPlaces, logFolder } from '../../stages/record/open.ts';
import { Archive } from '../../stages/record/read/archive.ts';
import type { SignedCheckpoint } from '../../stages/record/read/log-reader.ts';
import { IndexFile } from '../../stages/record/search-index/index-file.ts';
import type { AuditSettings } from '../../stages/record/settings.ts';
import { askRunning, askWriter } from '../../stages/record/writer/ask.ts';
import type { Answer, Request } from '../../stages/record/writer/control.ts';
import { isReadOnly } from '../../stores/sqlite/driver.ts';
import { holdLock } from '../../stores/sqlite/lock.ts';
import { type CommonOptions, type Context, fail, loadOrComplain, OutputClosed } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';

export interface LogOptions extends CommonOptions {
  readonly log: string;
}

export const logOption = ['--log <name>', 'which log of the data folder', 'log'] as const;

/** Of commands that are about a person, whose data may be in any of the logs. */
export interface LogsOptions extends CommonOptions {
  readonly log?: string;
}

export const logsOption = ['--log <name>', 'this log alone (default: every log of the data folder)'] as const;

export interface OpenLog {
  readonly name: string;
  readonly archive: Archive;
  readonly index: IndexFile;
  readonly checkpoint: SignedCheckpoint;
  readonly settings: AuditSettings;
  ask(request: Request): Promise<Answer>;
  /** Publishes and takes in what was recorded meanwhile. */
  catchUp(): Promise<void>;
}

/** Why a log was not read, or what was to be done with it was not done. */
export interface Failure {
  readonly code: number;
  readonly problem: string;
  readonly remedy: string;
}

export interface LogFailure extends Failure {
  readonly log: string;
}

// oxlint-disable-next-line typescript/no-invalid-void-type -- what a function returns
export type Work = Promise<Failure | void> | Failure | void;

const emptyLog = 'the log is empty';

/** Logs of the configuration, and the key that opens what they say in private. */
export interface Logs {
  readonly configuration: Configuration;
  readonly master: Buffer;
  readonly warn: (problem: string) => void;
}

export async function withLog(context: Context, options: LogOptions, work: (log: OpenLog) => Work): Promise<void> {
  const logs = await openLogs(context, options);
  if (logs === undefined) return;
  const failure = await readLog(logs, options.log, work);
  if (failure !== undefined)
    fail(context, options, { code: failure.code, problem: failure.problem, remedy: failure.remedy });
}

/** `undefined` when it was said why not. */
export async function openLogs(context: Context, options: CommonOptions): Promise<Logs | undefined> {
  let loaded = await loadOrComplain(context, options);
  // Keys that lie elsewhere are needed to read private parts, and when this process has to write.
  if (Object.keys(loaded?.revision.configuration.audit.keys ?? {}).length > 0)
    loaded = await loadOrComplain(context, options, { secrets: 'resolve' });
  if (loaded === undefined) return undefined;
  const { configuration } = loaded.revision;
  const master = openLogMasterKey(configuration.data, configuration.audit.keys.master);
  const warn = (problem: string): void => context.err(`sallyport: ${shownInLine(problem)}`);
  if (master.ok) return { configuration, master: master.key, warn };
  fail(context, options, { code: exitCodes.data, problem: master.problem, remedy: master.remedy });
  return undefined;
}

/** The log of `serve` and those of `stdio`. */
export function logsOf(data: string): readonly string[] {
  const names = existsSync(data) ? readdirSync(data) : [];
  return names.filter((name) => /^log(-stdio-\d+)?$/.test(name) && existsSync(join(data, name, 'log.json'))).toSorted();
}

/** What `readEach` is to read; with a data folder without a log it says so. */
export function namesOf(data: string, { log }: LogsOptions): readonly string[] {
  if (log !== undefined) return [log];
  const names = logsOf(data);
  return names.length === 0 ? ['log'] : names;
}

/** One log after the other. One that fails holds up no other; an empty one is passed over. */
export async function readEach(
  logs: Logs,
  names: readonly string[],
  work: (log: OpenLog) => Work,
): Promise<readonly LogFailure[]> {
  const failures: LogFailure[] = [];
  for (const log of names) {
    const failure = await readLog(logs, log, work);
    if (failure !== undefined && failure.problem !== emptyLog) failures.push({ log, ...failure });
  }
  return failures;
}

/** Says which logs failed and what to do, and sets the exit code. With JSON the caller prints them with the rest. */
export function sayFailures(context: Context, options: CommonOptions, failures: readonly LogFailure[]): void {
  for (const { log, code, problem, remedy } of failures) {
    if (options.json !== true) context.err(`sallyport: ${log}: ${shownInLine(problem)}\n    ${shownInLine(remedy)}`);
    context.exit(code);
  }
}

export function failureJson({ log, problem, remedy }: LogFailure): object {
  return { log, ok: false, problem, remedy };
}

export function noLog(folder: string): Failure {
  return {
    code: exitCodes.data,
    problem: `there is no log in ${folder}`,
    remedy: 'A gateway makes it when it starts; --config names the configuration whose data folder is meant.',
  };
}

/** Opens one log for as long as the work takes. */
export async function readLog(
  { configuration, master, warn }: Logs,
  name: string,
  work: (log: OpenLog) => Work,
): Promise<Failure | undefined> {
  const { data } = configuration;
  const folder = logFolder(data, name);
  const keys = keyPlaces(data, name, configuration.audit.keys.signing);
  if (!/^[a-z0-9-]{1,64}$/.test(name) || !existsSync(join(folder, 'log.json'))) return noLog(folder);
  try {
    await publish(folder);
    const archive = await Archive.open(folder, keys, master);
    const index = IndexFile.openToRead(indexPath(data, name), archive, (why) =>
      warn(`the index of ${name} ${why}: it is made anew from the log`),
    );
    archive.saysErased = (pseudonym) => index.isErased(pseudonym);
    const takeIn = (): void => {
      while (index.catchUp(archive));
      for (const pseudonym of index.takeErased()) index.forget(pseudonym);
    };
    try {
      takeIn();
      const checkpoint = archive.reader.checkpoint();
      if (checkpoint === undefined)
        return { code: exitCodes.no, problem: emptyLog, remedy: 'Make a call through the gateway first.' };
      const settings = auditSettings(configuration);
      const ask = (request: Request) => askWriter({ folder, keys, master }, request);
      const catchUp = async (): Promise<void> => {
        await publish(folder);
        archive.subjects.reload();
        takeIn();
      };
      return (await work({ name, archive, index, checkpoint, settings, ask, catchUp })) ?? undefined;
    } finally {
      index.close();
    }
  } catch (error) {
    if (error instanceof OutputClosed) throw error;
    return {
      code: exitCodes.data,
      problem: `the log in ${folder} cannot be read: ${messageOf(error)}`,
      remedy: remedyFor(error),
    };
  }
}

function remedyFor(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  if (text.includes('the master key does not open it'))
    return 'Give the master key that the log is under: audit.keys.master, or keys/master in the data folder. After `audit rewrap` it is the new one.';
  return isReadOnly(error)
    ? 'Look at its owner and its permissions, and those of its keys.'
    : 'Run sallyport-verify on the folder: it says where the damage is.';
}

/** What a running gateway has recorded a moment ago is to be seen. */
async function publish(folder: string): Promise<void> {
  try {
    const free = holdLock(join(folder, 'lock'));
    free?.release();
    if (free === undefined) await askRunning(folder, { do: 'publish' });
  } catch (error) {
    // Without the right to write there, what is published can still be read.
    if (!isReadOnly(error)) throw error;
  }
}
