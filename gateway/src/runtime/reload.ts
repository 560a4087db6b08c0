/** Follows the configuration: reloads when its files change, on SIGHUP, and when secrets of other managers are due. */
import { isDeepStrictEqual } from 'node:util';
import { readBeside } from '../config/beside.ts';
import { formatDiagnostic } from '../config/diagnostic.ts';
import type { LoadResult, Revision } from '../config/revision.ts';
import type { Configuration } from '../config/schema/index.ts';
import { watchConfiguration } from '../config/watch.ts';
import type { Signals } from '../process/signals.ts';
import { openInUse } from '../secrets/in-use.ts';
import type { Opened } from './open.ts';

/** How long secrets of other managers count, in milliseconds. */
const refreshPauses = { off: 0, '30s': 30_000, '1m': 60_000, '5m': 300_000, '1h': 3_600_000 };

/** Reloads when the files change and on SIGHUP. A wrong configuration changes nothing and is complained about. */
export async function follow(path: string, opened: Opened & { ok: true }, signals: Signals): Promise<() => void> {
  const { gateway, log, configureAudit, managed } = opened;
  const apply = async (result: LoadResult): Promise<void> => {
    const diagnostics = result.ok ? await swapped(result.revision) : result.diagnostics;
    if (!result.ok) gateway.plane.metrics.configurationLoaded(false);
    if (diagnostics.length > 0)
      log.error({ problems: diagnostics.map(formatDiagnostic) }, 'configuration refused: the running one stays');
    refreshLater();
  };
  const started = gateway.plane.revision.configuration;
  const unnoted = (error: unknown): void =>
    log.warn({ err: error }, 'which secrets are in use cannot be noted, so that rotations wait in vain');
  const swapped = async (revision: Revision) => {
    if (revision.stale.length > 0)
      log.error({ problems: revision.stale }, 'secrets cannot be read: the values that were good stay in force');
    const problems = await gateway.swap(revision);
    if (problems.length > 0) return problems;
    const later = takenAtStart(started, revision.configuration);
    configureAudit(revision);
    inUse.note(managed.editions, unnoted);
    const loaded = { revision: revision.digest.slice(0, 12) };
    if (later.length === 0) log.info(loaded, 'configuration in force');
    else log.warn({ ...loaded, settings: later }, 'configuration loaded: these settings count from the next start on');
    return [];
  };
  const inUse = openInUse(started.data);
  inUse.note(managed.editions, unnoted);
  // Other managers do not announce changes of secrets, so they are asked again, after each load as it is then configured.
  let refresh: NodeJS.Timeout | undefined;
  const refreshLater = (): void => {
    clearTimeout(refresh);
    const pause = refreshPauses[gateway.plane.revision.configuration.secrets.refresh];
    if (pause > 0 && managed.remote()) refresh = setTimeout(() => void watch.reload(), pause).unref();
  };
  const watch = await watchConfiguration({ path, env: process.env }, apply, {
    load: { ...managed.loading, read: readBeside },
    loaded: gateway.plane.revision,
    since: opened.began,
  });
  refreshLater();
  signals.onReload(() => void watch.reload());
  return () => {
    signals.ignoreReload();
    clearTimeout(refresh);
    watch.close();
    inUse.close();
  };
}

/** Settings that a running gateway does not take over, as far as they differ from those that it started with. */
function takenAtStart(started: Configuration, now: Configuration): string[] {
  const of = ({ data, audit, listen }: Configuration) => ({
    data,
    listen,
    'audit.enabled': audit.enabled,
    'audit.index': audit.index,
    'audit.keys': audit.keys,
  });
  const before = of(started);
  return Object.entries(of(now)).flatMap(([name, value]) =>
    isDeepStrictEqual(value, before[name as keyof typeof before]) ? [] : [name],
  );
}
