/** `sallyport audit prove <record>`: a proof that a third party can check without the gateway. */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { messageOf } from '../../protocol/result.ts';
import { shown } from '../../protocol/shown.ts';
import type { ArchivedRecord } from '../../stages/record/read/archive.ts';
import { keyRecords, type Proof, prove } from '../../stages/record/read/prove.ts';
import { type PartName, partNames } from '../../stages/record/record/private.ts';
import { type Context, configOption, fail, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { writeOutput } from '../output-file.ts';
import { type Failure, type LogOptions, logOption, withLog } from './open.ts';
import { noRecord, privacyText, recordsOf } from './show.ts';

interface Options extends LogOptions {
  readonly disclose?: string;
  readonly out?: string;
}

export function proveCommand(context: Context): Command {
  return new Command('prove')
    .summary('write a proof of an exchange')
    .description(
      'Writes a self-contained proof that these records are in the signed log. sallyport-verify checks it. Without --disclose it reveals nothing of the private part.',
    )
    .argument('<record>', 'number of a record, or a correlation id')
    .option(
      '--disclose <parts>',
      `what of the private part to show, such as arguments,result (${partNames.join(', ')})`,
    )
    .option('--out <file>', 'write it there instead of printing it')
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit prove 17 --disclose arguments --out case.json')
    .action(async (which: string, options: Options) => {
      const disclose = readDisclose(options.disclose);
      if (typeof disclose === 'string')
        return fail(context, options, {
          code: exitCodes.usage,
          problem: disclose,
          remedy: `There are: ${partNames.join(', ')}.`,
        });
      await withLog(context, options, (log) => {
        const records = recordsOf(log, which);
        const seqs = records.map(({ seq }) => seq);
        if (seqs.length === 0) return noRecord(context, options, { which, checkpoint: log.checkpoint });
        const keySeqs = keyRecords((query) => log.index.search(query), log.archive, log.checkpoint);
        const { archive, checkpoint } = log;
        const proof = prove({ archive, checkpoint, seqs, keySeqs, disclose });
        const lack = disclose.map((part) => whyNot(part, records, proof)).find((why) => why !== undefined);
        if (lack !== undefined)
          return {
            code: exitCodes.no,
            problem: lack,
            remedy: 'Leave it out of --disclose: the proof of the record holds without it.',
          };
        const text = `${shown(JSON.stringify(proof, undefined, 2))}\n`;
        if (options.out === undefined) return context.out(text.trimEnd());
        const path = resolve(context.cwd, options.out);
        try {
          writeOutput(path, text);
        } catch (error) {
          return cannotWrite(path, error);
        }
        if (options.json === true) outJson(context, { ok: true, path, records: seqs, size: checkpoint.size });
        else context.out(`${path}: records ${seqs.join(', ')} within ${checkpoint.size} signed records`);
        return undefined;
      });
    });
}

/** A sentence when it cannot be read. */
export function readDisclose(given: string | undefined): readonly PartName[] | string {
  const disclose = (given?.split(',') ?? []) as PartName[];
  return disclose.some((part) => !partNames.includes(part)) ? '--disclose names an unknown part' : disclose;
}

/** Why nothing of a part is shown that was recorded; `undefined` when there is something, or never was. */
function whyNot(part: PartName, records: readonly ArchivedRecord[], { records: proved }: Proof): string | undefined {
  const recorded = records.find(({ fields }) => fields[part] !== undefined);
  if (recorded === undefined || proved.some(({ disclosed }) => disclosed?.[part] !== undefined)) return undefined;
  const { privacy } = recorded;
  const why = privacy === 'open' ? 'was not kept as it came (audit.capture)' : privacyText[privacy];
  return `${part} of record ${recorded.seq} cannot be disclosed: ${why}`;
}

export function cannotWrite(path: string, error: unknown): Failure {
  return {
    code: exitCodes.data,
    problem: `${path} cannot be written: ${messageOf(error)}`,
    remedy: 'Look at the folder, its owner and the space that is left.',
  };
}
