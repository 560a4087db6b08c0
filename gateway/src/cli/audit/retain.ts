/** `sallyport audit retain`: drops now what the configuration says is too old. A running gateway does it by itself. */
import { Command } from 'commander';
import { type Context, configOption, jsonOption, outJson } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { failureJson, type LogsOptions, logsOption, namesOf, openLogs, readEach, sayFailures } from './open.ts';

export function retainCommand(context: Context): Command {
  return new Command('retain')
    .summary('drop what is older than audit.retention allows')
    .description(
      'Drops private parts, and later records, by their age, from every log of the data folder. A running gateway does it every hour for its own.',
    )
    .option(...logsOption)
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  sallyport audit retain')
    .action((options: LogsOptions) => retain(context, options));
}

async function retain(context: Context, options: LogsOptions): Promise<void> {
  const logs = await openLogs(context, options);
  if (logs === undefined) return;
  const names = namesOf(logs.configuration.data, options);
  const dropped: object[] = [];
  const failures = await readEach(logs, names, async (log) => {
    const { retention: ages } = log.settings;
    if (Object.keys(ages).length === 0)
      return {
        code: exitCodes.no,
        problem: 'audit.retention is not set, so nothing is ever too old',
        remedy: 'Set it in the configuration.',
      };
    const answer = await log.ask({ do: 'retain', ages });
    if (!answer.ok) return { code: exitCodes.no, problem: answer.problem, remedy: answer.remedy };
    const { records = 0, ...tiers } = answer.result;
    dropped.push({ log: log.name, records, ...tiers });
    if (options.json === true) return;
    const parts = Object.entries(tiers).map(([tier, before]) => `${tier} before record ${before}`);
    const said = [
      ...(parts.length === 0 ? [] : [`dropped private parts: ${parts.join(', ')}`]),
      ...(Number(records) > 0 ? [`dropped records before ${records}`] : []),
    ];
    context.out(`${log.name}: ${said.length === 0 ? 'nothing is old enough' : said.join('; ')}.`);
  });
  if (options.json === true)
    outJson(context, { ok: failures.length === 0, dropped, failures: failures.map(failureJson) });
  sayFailures(context, options, failures);
}
