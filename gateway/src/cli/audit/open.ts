/** What the audit commands share: the log, its keys, its index, and a writer to ask. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { IndexFile } from '../../audit/index/index-file.ts';
import { auditSettings, indexPath, keyPlaces, logFolder } from '../../audit/open.ts';
import { Archive } from '../../audit/read/archive.ts';
import type { SignedCheckpoint } from '../../audit/read/log-reader.ts';
import type { AuditSettings } from '../../audit/settings.ts';
import { askRunning, askWriter } from '../../audit/writer/ask.ts';
import type { Answer, Request } from '../../audit/writer/control.ts';
import { openLogMasterKey } from '../../secrets/master-key.ts';
import { holdLock } from '../../stores/sqlite/lock.ts';
import { type CommonOptions, type Context, fail, loadOrComplain } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';

export interface LogOptions extends CommonOptions {
  readonly log: string;
}

export const logOption = ['--log <name>', 'which log of the data folder', 'log'] as const;

export interface OpenLog {
  readonly archive: Archive;
  readonly index: IndexFile;
  readonly checkpoint: SignedCheckpoint;
  readonly settings: AuditSettings;
  ask(request: Request): Promise<Answer>;
}

export async function withLog(
  context: Context,
  options: LogOptions,
  work: (log: OpenLog) => Promise<void> | void,
): Promise<void> {
  let loaded = await loadOrComplain(context, options);
  // Keys that lie elsewhere are needed to read private parts, and when this process has to write.
  if (Object.keys(loaded?.revision.configuration.audit.keys ?? {}).length > 0)
    loaded = await loadOrComplain(context, options, { secrets: 'resolve' });
  if (loaded === undefined) return;
  const { configuration } = loaded.revision;
  const { data } = configuration;
  const folder = logFolder(data, options.log);
  const keys = keyPlaces(data, options.log, configuration.audit.keys.signing);
  if (!/^[a-z0-9-]{1,64}$/.test(options.log) || !existsSync(join(folder, 'log.json')))
    return fail(
      context,
      options,
      exitCodes.data,
      `there is no log in ${folder}`,
      'A gateway makes it when it starts; --config names the configuration whose data folder is meant.',
    );
  const master = openLogMasterKey(data, configuration.audit.keys.master);
  if (!master.ok) return fail(context, options, exitCodes.data, master.problem, master.remedy);
  try {
    // What a running gateway has recorded a moment ago is to be seen.
    const free = holdLock(join(folder, 'lock'));
    free?.release();
    if (free === undefined) await askRunning(folder, { do: 'publish' });
    const archive = await Archive.open(folder, keys, master.key);
    const index = new IndexFile(indexPath(data, options.log), archive);
    try {
      while (index.catchUp(archive));
      for (const pseudonym of index.takeErased()) index.forget(pseudonym);
      const checkpoint = archive.reader.checkpoint();
      if (checkpoint === undefined)
        return fail(context, options, exitCodes.no, 'the log is empty', 'Make a call through the gateway first.');
      const settings = auditSettings(configuration);
      const { capture } = settings;
      const ask = (request: Request) => askWriter({ folder, keys, master: master.key, capture }, request);
      await work({ archive, index, checkpoint, settings, ask });
    } finally {
      index.close();
    }
  } catch (error) {
    fail(
      context,
      options,
      exitCodes.data,
      `the log in ${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'Run sallyport-verify on the folder: it says where the damage is.',
    );
  }
}
