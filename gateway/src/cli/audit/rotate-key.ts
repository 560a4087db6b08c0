/** `sallyport audit rotate-key`: a new key signs the log from now on. */
import { Command } from 'commander';
import { type Context, configOption, fail, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type LogOptions, logOption, withLog } from './open.ts';

export function rotateKeyCommand(context: Context): Command {
  return new Command('rotate-key')
    .summary('sign the log with a new key from now on')
    .description('Makes a new signing key. A record signed by the old and the new key hands over.')
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit rotate-key')
    .action(async (options: LogOptions) => {
      await withLog(context, options, async (log) => {
        const answer = await log.ask({ do: 'rotate-key' });
        if (!answer.ok)
          return fail(context, options, { code: exitCodes.no, problem: answer.problem, remedy: answer.remedy });
        if (options.json === true) outJson(context, { ok: true, ...answer.result });
        else context.out(`The log is signed by ${answer.result['key'] ?? ''} from now on.`);
      });
    });
}
