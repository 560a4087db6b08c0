/** `sallyport audit rewrap`: puts the keys of all logs under another master key. */
import { Command } from 'commander';
import type { Configuration } from '../../config/schema/index.ts';
import { openLogMasterKey, openMasterKey } from '../../secrets/master-key.ts';
import { localKeyService, masterKeyId, type Rewrapped, rewrap } from '../../stages/record/keys/key-service.ts';
import { keyPlaces, logFolder } from '../../stages/record/open.ts';
import { askWriter } from '../../stages/record/writer/ask.ts';
import { readOrigin } from '../../stages/record/writer/open.ts';
import {
  type CommonOptions,
  type Context,
  configOption,
  fail,
  jsonOption,
  loadOrComplain,
  outJson,
} from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { readValue } from '../stdin.ts';
import { logsOf } from './open.ts';

interface Options extends CommonOptions {
  readonly toLocal?: boolean;
}

const said: Readonly<Record<Rewrapped, string>> = {
  rewrapped: 'is under the new key',
  already: 'was under the new key before',
  neither: 'opens neither under the key of the configuration nor under the new one, and was left as it is',
};

export function rewrapCommand(context: Context): Command {
  return new Command('rewrap')
    .summary('put the keys of the logs under another master key')
    .description(
      'Puts the keys of all logs, and with them those of all subjects, under a master key from stdin (64 hexadecimal digits). The configuration names the old key until this command has ended, and the new one from then on.',
    )
    .option('--to-local', 'to the key of the data folder instead of one from stdin')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nIf it is interrupted, run it again. A running gateway is not affected.\n\nExample:\n  openssl rand -hex 32 | tee /run/secrets/log-key | sallyport audit rewrap',
    )
    .action(async (options: Options) => {
      let loaded = await loadOrComplain(context, options);
      if (Object.keys(loaded?.revision.configuration.audit.keys ?? {}).length > 0)
        loaded = await loadOrComplain(context, options, { secrets: 'resolve' });
      if (loaded === undefined) return;
      const { configuration } = loaded.revision;
      const { data } = configuration;
      const given = options.toLocal === true ? undefined : await readValue('sallyport audit rewrap < key');
      if (typeof given === 'object')
        return fail(context, options, { code: exitCodes.usage, problem: given.problem, remedy: given.remedy });
      const from = openLogMasterKey(data, configuration.audit.keys.master);
      const to = given === undefined ? openMasterKey(data) : openLogMasterKey(data, given);
      if (!from.ok) return fail(context, options, { code: exitCodes.data, problem: from.problem, remedy: from.remedy });
      if (!to.ok)
        return fail(context, options, {
          code: exitCodes.usage,
          problem: 'the new key is not a key',
          remedy: 'openssl rand -hex 32 makes one.',
        });
      if (from.key.equals(to.key))
        return fail(context, options, {
          code: exitCodes.no,
          problem: 'the configuration says this key already',
          remedy: 'Logs that are still under another one need that one in the configuration while this runs.',
        });
      const logs: { log: string; result: Rewrapped }[] = [];
      for (const log of logsOf(data)) logs.push({ log, result: await rewrapLog(configuration, log, from.key, to.key) });
      const ok = logs.every(({ result }) => result !== 'neither');
      if (options.json === true) outJson(context, { ok, logs, key: masterKeyId(to.key) });
      else for (const { log, result } of logs) context.out(`${log} ${said[result]}`);
      if (!ok) context.exit(exitCodes.no);
    });
}

async function rewrapLog(configuration: Configuration, log: string, from: Buffer, to: Buffer): Promise<Rewrapped> {
  const { data } = configuration;
  const folder = logFolder(data, log);
  const keys = keyPlaces(data, log, configuration.audit.keys.signing);
  const services = { from: localKeyService(from), to: localKeyService(to) };
  return rewrap({ path: keys.wrapping, context: `log ${readOrigin(folder)}` }, services, async () => {
    const request = { do: 'note-rewrap', from: masterKeyId(from), to: masterKeyId(to) } as const;
    const answer = await askWriter({ folder, keys, master: from }, request);
    if (!answer.ok) throw new Error(`${answer.problem}: ${answer.remedy}`);
  });
}
