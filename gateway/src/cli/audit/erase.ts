/** `sallyport audit subjects|erase`: what is held about a person, and destroying it. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { type Context, configOption, fail, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type LogOptions, logOption, type OpenLog, withLog } from './open.ts';
import { callerOf, sayMissingKeys } from './shown.ts';

export function subjectsCommand(context: Context): Command {
  return new Command('subjects')
    .summary('list whom the log is about')
    .description('Lists the subjects of the log with the number of their records. Erased ones have no name any more.')
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit subjects')
    .action(async (options: LogOptions) => {
      await withLog(context, options, (log) => {
        const subjects = log.index.subjects().map((subject) => ({ ...subject, ...named(log, subject) }));
        if (options.json === true) outJson(context, { ok: true, subjects });
        else
          for (const { pseudonym, subject, state, records, first, last } of subjects)
            context.out(`${pseudonym}  ${subject ?? `(${state})`}  ${records} records, ${first} to ${last}`);
        sayMissingKeys(context, subjects.filter(({ state }) => state === 'key-missing').length, 'subject');
      });
    });
}

function named({ archive, index, checkpoint }: OpenLog, { pseudonym, last }: { pseudonym: string; last: number }) {
  const keys = archive.subjects.byPseudonym(pseudonym);
  if (keys === undefined) return { state: index.isErased(pseudonym) ? 'erased' : 'key-missing' };
  for (const name of ['gateway', 'unknown'])
    if (archive.subjects.find(name)?.pseudonym === pseudonym) return { state: 'held', subject: name };
  const record = archive.record(last, checkpoint.size);
  const caller = record === undefined ? '' : callerOf(record);
  // The first of user, agent and application is the subject.
  const [subject = ''] = caller.split(/ (?=agent:|application:)/);
  return /^(user|agent|application):/.test(subject) ? { state: 'held', subject } : { state: 'held' };
}

interface EraseOptions extends LogOptions {
  readonly subject: string;
  readonly certificate?: string;
}

export function eraseCommand(context: Context): Command {
  return new Command('erase')
    .summary('erase what the log holds about a person')
    .description(
      'Destroys the key of a subject: arguments, results, names and addresses of all their records become unreadable for good. The records stay, and everything still verifies. Cannot be undone.',
    )
    .requiredOption('--subject <kind:name>', 'user:…, agent:… or application:…')
    .option('--certificate <file>', 'write the signed certificate there')
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit erase --subject user:dana --certificate dana.txt')
    .action(async (options: EraseOptions) => {
      await withLog(context, options, async (log) => {
        const answer = await log.ask({ do: 'erase', subject: options.subject });
        if (!answer.ok) return fail(context, options, exitCodes.no, answer.problem, answer.remedy);
        const { seq = '', pseudonym = '', certificate = '' } = answer.result;
        while (log.index.catchUp(log.archive));
        log.index.forget(String(pseudonym));
        if (options.certificate !== undefined)
          writeFileSync(resolve(context.cwd, options.certificate), String(certificate), { mode: 0o600 });
        if (options.json === true) outJson(context, { ok: true, ...answer.result });
        else {
          context.out(`${options.subject} (${String(pseudonym)}) is erased; the tombstone is record ${String(seq)}.`);
          if (options.certificate === undefined) context.out(String(certificate));
        }
      });
    });
}
