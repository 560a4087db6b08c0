/** `sallyport audit tail`: the last records, and those to come. */
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import type { ArchivedRecord } from '../../stages/record/read/archive.ts';
import { type Context, configOption, fail, jsonOption } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type LogOptions, logOption, type OpenLog, withLog } from './open.ts';
import { line, recordJson } from './shown.ts';

interface Options extends LogOptions {
  readonly lines: string;
  readonly follow?: boolean;
}

const intervalMs = 500;

export function tailCommand(context: Context): Command {
  return new Command('tail')
    .summary('show the last records, and go on with --follow')
    .description('Shows the last records in their order. With --follow it goes on until it is interrupted.')
    .option('--lines <number>', 'how many', '10')
    .option('--follow', 'go on with records to come')
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit tail --follow')
    .action(async (options: Options) => {
      if (!/^\d{1,5}$/.test(options.lines))
        return fail(context, options, { code: exitCodes.usage, problem: '--lines must be a number up to 99999' });
      await withLog(context, options, async (log) => {
        const { archive, index, checkpoint } = log;
        let next = Math.max(0, checkpoint.size - Number(options.lines));
        for (;;) {
          const size = archive.reader.checkpoint()?.size ?? next;
          if (size > next) {
            archive.subjects.reload();
            while (index.catchUp(archive));
          }
          for (const { seq, entry } of archive.reader.entries(next, size, size)) {
            const record = archive.open(seq, entry);
            context.out(options.json === true ? JSON.stringify(recordJson(record)) : lineOf(log, record, size));
          }
          next = size;
          if (options.follow !== true) return;
          await pause(intervalMs);
        }
      });
    });
}

/** An intent with the end that it has had since, and an outcome with who called what. */
function lineOf({ archive, index }: OpenLog, record: ArchivedRecord, size: number): string {
  const { id, kind, parent } = record.fields;
  if (kind === 'outcome' && parent !== undefined) return line(record, undefined, archive.record(parent, size));
  if (kind !== 'intent' || id === undefined) return line(record, undefined);
  const [found] = index.search({ words: {}, id, limit: 1 });
  return line(record, found?.outcomeSeq === undefined ? undefined : archive.record(found.outcomeSeq, size));
}
