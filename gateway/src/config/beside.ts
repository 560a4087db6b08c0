/** Reads the files of a configuration in a thread of its own, so that a reload stops no request of a running gateway. */
import { startThread } from '../process/program.ts';
import { messageOf } from '../protocol/result.ts';
import { addPiece, type Piece } from './pieces.ts';
import type { WrittenResult } from './written.ts';

/** Milliseconds for all of it: some seconds are enough for the largest configuration. */
const deadlineMs = 60_000;

/** A piece of what was read, or `done` after the last one. */
export type Sent = { readonly piece: Piece } | 'done';

/** What the thread asks for is the next piece, so that requests get their turn between two. */
export async function readBeside(path: string, maxMs: number = deadlineMs): Promise<WrittenResult> {
  const worker = startThread('config/beside-thread', { workerData: path, name: 'sallyport-configuration' });
  const { promise, resolve } = Promise.withResolvers<WrittenResult>();
  const failed = (problem: string): void => resolve(refused(path, problem));
  const timer = setTimeout(() => failed(`was not read within ${maxMs / 1_000} s`), maxMs);
  const received = {};
  worker.on('message', (sent: Sent) => {
    if (sent === 'done') return resolve(received as WrittenResult);
    addPiece(received, sent.piece);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage('next');
  });
  worker.on('error', (error) => failed(`cannot be read: ${messageOf(error)}`));
  worker.on('exit', () => failed('cannot be read: the thread that reads it has ended'));
  // An exchange that is open keeps the process, a reload does not.
  worker.unref();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    worker.removeAllListeners('message');
    void worker.terminate().catch(() => undefined);
  }
}

function refused(file: string, problem: string): WrittenResult {
  const remedy = 'Make the configuration smaller, or give the machine more memory.';
  return { ok: false, diagnostics: [{ code: 'CFG001', place: { file, line: 1, column: 1 }, problem, remedy }] };
}
