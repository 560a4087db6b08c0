/** What the gateway starts beside itself: threads, and programs of its own, whether from the sources or as they are built. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * The module at `path`, from the folder of the sources and without its extension. `gateway/scripts/bundle.ts` makes each of
 * these a file of its own, and puts what they share one folder below the same root, where this module is in the sources.
 */
function moduleAt(path: string): URL {
  return new URL(`../${path}${extname(import.meta.filename)}`, import.meta.url);
}

/** The file of a module that runs as a program. */
export function programFile(path: string): string {
  return fileURLToPath(moduleAt(path));
}

/**
 * Runs the module in a thread. `node --watch` has a thread report what it loads to its owner, among the messages of the
 * thread: the variable that asks for it stays behind.
 */
export function startThread(path: string, options: WorkerOptions): Worker {
  const { WATCH_REPORT_DEPENDENCIES: _, ...env } = process.env;
  return new Worker(moduleAt(path), { ...options, env });
}
