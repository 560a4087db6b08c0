/** `sallyport audit retain`: drops now what the configuration says is too old. A running gateway does it by itself. */
import { Command } from 'commander';
import { type Context, configOption, fail, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type LogOptions, logOption, withLog } from './open.ts';

export function retainCommand(context: Context): Command {
  return new Command('retain')
    .summary('drop what audit.retention says is too old')
    .description('Drops private parts, and later records, by their age. A running gateway does it every hour.')
    .option(...logOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit retain')
    .action(async (options: LogOptions) => {
      await withLog(context, options, async (log) => {
        const { retention: ages } = log.settings;
        if (Object.keys(ages).length === 0)
          return fail(
            context,
            options,
            exitCodes.no,
            'nothing is too old',
            'Set audit.retention in the configuration.',
          );
        const answer = await log.ask({ do: 'retain', ages });
        if (!answer.ok) return fail(context, options, exitCodes.no, answer.problem, answer.remedy);
        if (options.json === true) return outJson(context, { ok: true, dropped: answer.result });
        const { records = 0, ...tiers } = answer.result;
        const parts = Object.entries(tiers).map(([tier, before]) => `${tier} before record ${before}`);
        if (parts.length === 0) return context.out('Nothing is old enough.');
        context.out(`Dropped private parts: ${parts.join(', ')}; records before ${records}.`);
      });
    });
}
