/** `sallyport audit subjects|erase`: what is held about a person, and destroying it. */

import { parse, resolve } from 'node:path';
import { Command } from 'commander';
import { messageOf } from '../../protocol/result.ts';
import { shownInLine } from '../../protocol/shown.ts';
import { sharedKey } from '../../stages/record/keys/subjects.ts';
import { logFolder } from '../../stages/record/open.ts';
import { isPerson } from '../../stages/record/writer/control.ts';
import { type Context, configOption, fail, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { writeOutput } from '../output-file.ts';
import {
  type Failure,
  failureJson,
  type LogsOptions,
  logsOf,
  logsOption,
  namesOf,
  noLog,
  type OpenLog,
  openLogs,
  readEach,
  sayFailures,
} from './open.ts';
import { notErasable, underSharedKey } from './shared-key.ts';
import { callerOf, sayMissingKeys } from './shown.ts';

export function subjectsCommand(context: Context): Command {
  return new Command('subjects')
    .summary('list the subjects of the logs')
    .description(
      'Lists the subjects of every log with the number of their records. A record is about its user if there is one, else its agent, else its application. Erased ones have no name any more.',
    )
    .option(...logsOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit subjects')
    .action(async (options: LogsOptions) => {
      const logs = await openLogs(context, options);
      if (logs === undefined) return;
      const names = namesOf(logs.configuration.data, options);
      const all: object[] = [];
      let missing = 0;
      const failures = await readEach(logs, names, (log) => {
        const subjects = log.index.subjects().map((subject) => ({ log: log.name, ...subject, ...named(log, subject) }));
        missing += subjects.filter(({ state }) => state === 'key-missing').length;
        if (options.json === true) {
          for (const subject of subjects) all.push(subject);
          return;
        }
        if (names.length > 1) context.out(`${log.name}:`);
        for (const { pseudonym, subject, state, records, first, last } of subjects)
          context.out(`${pseudonym}  ${shownInLine(subject ?? `(${state})`)}  ${records} records, ${first} to ${last}`);
      });
      if (options.json === true)
        outJson(context, { ok: failures.length === 0, subjects: all, failures: failures.map(failureJson) });
      sayMissingKeys(context, missing, 'subject');
      sayFailures(context, options, failures);
    });
}

function named({ archive, index, checkpoint }: OpenLog, { pseudonym, last }: { pseudonym: string; last: number }) {
  const keys = archive.subjects.byPseudonym(pseudonym);
  if (keys === undefined) return { state: index.isErased(pseudonym) ? 'erased' : 'key-missing' };
  for (const name of ['gateway', 'unknown', sharedKey])
    if (archive.subjects.find(name)?.pseudonym === pseudonym) return { state: 'held', subject: name };
  const record = archive.record(last, checkpoint.size);
  const caller = record === undefined ? '' : callerOf(record);
  // The first of user, agent and application is the subject.
  const [subject = ''] = caller.split(/ (?=agent:|application:)/);
  return /^(user|agent|application):/.test(subject) ? { state: 'held', subject } : { state: 'held' };
}

interface EraseOptions extends LogsOptions {
  readonly subject: string;
  readonly certificate?: string;
  readonly yes?: boolean;
}

interface Erased {
  readonly log: string;
  readonly pseudonym: string;
  readonly seq: number;
  readonly certificate: string;
  readonly checkpoint: string;
  /** Where the certificate was written. */
  readonly path?: string;
}

export function eraseCommand(context: Context): Command {
  return new Command('erase')
    .summary('erase the data of a person from the logs')
    .description(
      'Destroys the keys of a subject: arguments, results, names and addresses of all their records become unreadable for good, in every log of the data folder. The records stay, and everything still verifies. A record is about its user if there is one, else its agent, else its application. Cannot be undone.',
    )
    .requiredOption('--subject <kind:name>', 'user:…, agent:… or application:…')
    .option(
      '--certificate <file>',
      'write the signed certificate there; for logs beside `log`, with the name of the log before the ending',
    )
    .option('--yes', 'do not ask first')
    .option(...logsOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit erase --subject user:dana --certificate dana.txt')
    .action((options: EraseOptions) => erase(context, options));
}

async function erase(context: Context, options: EraseOptions): Promise<void> {
  const { subject } = options;
  if (!isPerson(subject))
    return fail(context, options, {
      code: exitCodes.usage,
      problem: `${subject} cannot be erased`,
      remedy: '--subject is user:name, agent:name or application:name; `audit subjects` lists them.',
    });
  const question = `Everything that the logs hold about ${subject} becomes unreadable for good. Go on?`;
  if (options.yes !== true && options.json !== true && (await context.confirm?.(question)) === false)
    return fail(context, options, {
      code: exitCodes.no,
      problem: 'nothing was erased',
      remedy: 'Answer yes, or use --yes.',
    });
  const logs = await openLogs(context, options);
  if (logs === undefined) return;
  const { data } = logs.configuration;
  const names = namesOf(data, options);
  const erased: Erased[] = [];
  let ofOthers = 0;
  const failures = await readEach(logs, names, async (log) => {
    const failure = await eraseIn(context, options, log, erased);
    const shared = underSharedKey(log, subject);
    ofOthers += countOfOthers(log, subject) - (subject.startsWith('user:') ? 0 : shared);
    return failure ?? (shared === 0 ? undefined : notErasable(shared, subject));
  });
  if (logsOf(data).length === 0) return failWith(context, options, noLog(logFolder(data, 'log')));
  const others =
    ofOthers === 0
      ? undefined
      : `${ofOthers} records with ${subject} belong to other subjects, as a record is about its user, else its agent, else its application; list them: sallyport audit search --caller ${subject}`;
  if (erased.length === 0 && failures.length === 0)
    return fail(context, options, {
      code: exitCodes.no,
      problem: `${options.log ?? 'the data folder'} holds nothing about ${subject}${others === undefined ? '' : ` alone: ${others}`}`,
      remedy: 'Write it as user:name, agent:name or application:name; `audit subjects` lists them.',
    });
  if (options.json === true)
    outJson(context, {
      ok: failures.length === 0,
      subject,
      logs: [...erased.map((each) => ({ ok: true, ...each })), ...failures.map(failureJson)],
      recordsOfOthers: ofOthers,
    });
  else {
    for (const { log, pseudonym, seq, path, certificate } of erased) {
      context.out(`${log}: ${subject} (${pseudonym}) is erased; the tombstone is record ${seq}.`);
      context.out(path === undefined ? certificate : `${log}: the certificate is ${path}`);
    }
    const failed = new Set(failures.map(({ log }) => log));
    for (const name of names)
      if (!failed.has(name) && erased.every(({ log }) => log !== name))
        context.out(`${name}: nothing is held about ${subject}.`);
    if (others !== undefined) context.out(others);
  }
  sayFailures(context, options, failures);
}

function failWith(context: Context, options: EraseOptions, { code, problem, remedy }: Failure): void {
  fail(context, options, { code: code, problem: problem, remedy: remedy });
}

async function eraseIn(
  context: Context,
  options: EraseOptions,
  log: OpenLog,
  erased: Erased[],
): Promise<Failure | undefined> {
  const { subject } = options;
  if (log.archive.subjects.pseudonymsOf(subject).length === 0) return undefined;
  const answer = await log.ask({ do: 'erase', subject });
  if (!answer.ok) return { code: exitCodes.no, problem: answer.problem, remedy: answer.remedy };
  const { seq = 0, pseudonym = '', certificate = '', checkpoint = '' } = answer.result;
  while (log.index.catchUp(log.archive));
  log.index.forget(String(pseudonym));
  const path = certificatePath(context, options, log.name);
  const done = {
    log: log.name,
    pseudonym: String(pseudonym),
    seq: Number(seq),
    certificate: String(certificate),
    checkpoint: String(checkpoint),
  };
  try {
    if (path !== undefined) writeOutput(path, done.certificate);
    erased.push({ ...done, ...(path !== undefined && { path }) });
    return undefined;
  } catch (error) {
    // It is printed instead: there is no second one.
    erased.push(done);
    return {
      code: exitCodes.data,
      problem: `erased, but the certificate cannot be written to ${path}: ${messageOf(error)}`,
      remedy: 'Keep the one that is printed here.',
    };
  }
}

function certificatePath(context: Context, { certificate, log: only }: EraseOptions, log: string): string | undefined {
  if (certificate === undefined) return undefined;
  const path = resolve(context.cwd, certificate);
  if (only !== undefined || log === 'log') return path;
  const { dir, name, ext } = parse(path);
  return resolve(dir, `${name}.${log}${ext}`);
}

/** Records that name this agent or application and have another subject. */
function countOfOthers({ index, archive }: OpenLog, subject: string): number {
  const [kind = '', ...rest] = subject.split(':');
  if (kind !== 'agent' && kind !== 'application') return 0;
  const words = { [kind]: rest.join(':') };
  const own = archive.subjects.find(subject)?.pseudonym;
  const ofSubject = own === undefined ? 0 : index.count({ words: { ...words, subject: own } });
  return index.count({ words }) - ofSubject;
}
