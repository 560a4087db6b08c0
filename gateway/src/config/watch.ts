/**
 * Loads a configuration again when its files change. File system events make it quick; a look at the files every few
 * seconds makes it certain, since events get lost on network file systems and in containers.
 */
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type LoadOptions, loadConfiguration } from './load.ts';
import type { Environment } from './references.ts';
import type { LoadResult, Revision } from './revision.ts';

export interface WatchOptions {
  /** Quiet time in milliseconds after an event before the files are read. */
  readonly settle?: number;
  /** Milliseconds between two looks at the files. */
  readonly poll?: number;
  readonly load?: LoadOptions;
  /** What the caller has loaded; without it that is loaded here. */
  readonly loaded?: Pick<Revision, 'files' | 'secretFiles'>;
  /** Milliseconds since the epoch at which that began to be read: what changed since is loaded again at once. */
  readonly since?: number;
}

export interface ConfigurationWatch {
  /** Loads now, whether or not anything changed, and calls back as well. For SIGHUP. */
  reload(): Promise<LoadResult>;
  close(): void;
}

/** Calls back with every fresh result, good or bad, one at a time. The first load is the caller's business. */
export async function watchConfiguration(
  { path, env }: { readonly path: string; readonly env: Environment },
  onLoad: (result: LoadResult) => void | Promise<void>,
  options: WatchOptions = {},
): Promise<ConfigurationWatch> {
  const { settle = 100, poll = 2_000, load: loading = {} } = options;
  let closed = false;
  let secretFiles: readonly string[] = [];
  let files: readonly string[] = [path];
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<LoadResult> = Promise.resolve({ ok: false, diagnostics: [] });

  const load = async (): Promise<LoadResult> => {
    // Taken before the files are read, so that a change while reading shows as another change.
    seen = await signature([path, ...files, ...secretFiles]);
    const result = await loadConfiguration(path, env, loading);
    if (result.ok && changed(result.revision.files, files, result.revision.secretFiles, secretFiles)) {
      ({ files, secretFiles } = result.revision);
      seen = await signature([path, ...files, ...secretFiles]);
    }
    if (!closed) await onLoad(result);
    return result;
  };
  // One that has not begun reads everything that is there by then, so that any number of requests are one.
  let queued: Promise<LoadResult> | undefined;
  const reload = (): Promise<LoadResult> => {
    const begin = (): Promise<LoadResult> => {
      queued = undefined;
      return load();
    };
    queued ??= running = running.then(begin, begin);
    return queued;
  };
  const look = async (): Promise<void> => {
    if (closed || (await signature([path, ...files, ...secretFiles])) === seen) return;
    await reload();
  };
  const soon = (): void => {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(() => void look(), settle);
  };

  const first = options.loaded ?? (await loadConfiguration(path, env, loading).then(revisionOf));
  if (first !== undefined) ({ files, secretFiles } = first);
  let seen = await signature([path, ...files, ...secretFiles]);
  // The folder is watched, not the file: editors replace files, and a watch on the old one would see nothing more.
  const watchers = [
    ...new Set([resolve(path), dirname(resolve(path)), ...secretFiles.map((file) => dirname(file))]),
  ].flatMap((folder) => watcher(folder, soon));
  const interval = setInterval(() => void look(), poll).unref();
  if (options.since !== undefined && (await changedSince([path, ...files, ...secretFiles], options.since)))
    setImmediate(() => void reload());
  return {
    reload,
    close: () => {
      closed = true;
      clearTimeout(timer);
      clearInterval(interval);
      for (const each of watchers) each.close();
    },
  };
}

function revisionOf(result: LoadResult): Revision | undefined {
  return result.ok ? result.revision : undefined;
}

function changed(...lists: readonly (readonly string[])[]): boolean {
  const [a = [], b = [], c = [], d = []] = lists;
  return a.join('\0') !== b.join('\0') || c.join('\0') !== d.join('\0');
}

function watcher(folder: string, onEvent: () => void): FSWatcher[] {
  try {
    const made = watch(folder, { persistent: false }, onEvent);
    made.on('error', () => made.close());
    return [made];
  } catch {
    return [];
  }
}

/** Identity, size and time of each file; a file that is gone counts as such. */
async function signature(paths: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    paths.map(async (path) => {
      const info = await stat(path, { bigint: true }).catch(() => undefined);
      return info === undefined ? 'gone' : `${info.ino}:${info.size}:${info.mtimeNs}`;
    }),
  );
  return parts.join(' ');
}

/** Was one of the files written or put in its place after this moment? */
async function changedSince(paths: readonly string[], sinceMs: number): Promise<boolean> {
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ ctimeMs }) => ctimeMs,
        () => 0,
      ),
    ),
  );
  return times.some((time) => time > sinceMs);
}
