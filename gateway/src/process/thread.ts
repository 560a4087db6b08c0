/** How the gateway starts a thread. */
import { extname } from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts the file `name` beside `module`, whether both are sources or compiled. `node --watch` has a thread report what it
 * loads to its owner, among the messages of the thread: the variable that asks for it stays behind.
 */
export function startThread(module: ImportMeta, name: string, options: WorkerOptions): Worker {
  const { WATCH_REPORT_DEPENDENCIES: _, ...env } = process.env;
  return new Worker(new URL(`./${name}${extname(module.filename)}`, module.url), { ...options, env });
}
