/**
 * Looks at a running gateway while inputs are given to it. A stall is the worst wait of a health request less the worst
 * wait at a server beside it that does nothing: both wait for the same machine. On a machine that does other things one
 * of them alone may be late by chance, so that a stall counts only when giving the same inputs again shows it each time.
 */
import { join } from 'node:path';
import { memoryOf, waitsDuring } from '../faults/stall.ts';
import type { Gateway } from '../harness.ts';
import { startAnnounced } from '../process.ts';
import { maxTurnMs } from './target.ts';

/** Bytes. A gateway under any of these inputs stays far below. */
const maxMemory = 1024 * 1024 * 1024;
const replays = 5;

export interface Watch extends AsyncDisposable {
  /** Gives the inputs, and looks: alive, without a bug in the log, without a stall, memory bounded. */
  readonly during: (give: () => Promise<string | undefined>) => Promise<string | undefined>;
  readonly worstMs: () => number;
}

export async function startWatch(gateway: Gateway): Promise<Watch> {
  const control = await startAnnounced(
    { command: [process.execPath, join(import.meta.dirname, 'control.ts')] },
    (line) => (typeof line === 'object' && line !== null && 'url' in line ? String(line.url) : undefined),
  );
  let bug: string | undefined;
  gateway.child.stderr?.on('data', (chunk: Buffer) => (bug ??= bugIn(chunk.toString())));
  let worst = 0;
  const measured = async (give: () => Promise<string | undefined>) => {
    const own = await waitsDuring(gateway.admin, () => waitsDuring(control.said, give));
    return { problem: own.result.result, ms: own.worstMs - own.result.worstMs };
  };
  const look = async (give: () => Promise<string | undefined>): Promise<string | undefined> => {
    const first = await measured(give);
    if (first.problem !== undefined) return first.problem;
    let least = first.ms;
    for (let replay = 0; replay < replays && least > maxTurnMs; replay++)
      least = Math.min(least, (await measured(give)).ms);
    worst = Math.max(worst, least);
    if (least > maxTurnMs) return `the gateway stalls for ${least.toFixed(0)} ms each time`;
    const memory = await memoryOf(gateway.pid);
    return memory > maxMemory ? `the gateway has ${(memory / 2 ** 20).toFixed(0)} MiB` : bug;
  };
  return {
    // A health request that fails is a gateway that is gone, or as good as gone.
    during: async (give) => {
      try {
        return await look(give);
      } catch (error) {
        return `the gateway does not answer (${gateway.child.exitCode}): ${String(error)} ${gateway.errors().slice(-2_000)}`;
      }
    },
    worstMs: () => worst,
    [Symbol.asyncDispose]: () => control.stop(),
  };
}

export function bugIn(text: string): string | undefined {
  return /please report|[Uu]nhandled|Error: .*\n\s+at /.test(text)
    ? `the log has a bug: ${text.slice(0, 2_000)}`
    : undefined;
}

/** Runs them with so many at once. */
export async function inParallel<T>(items: readonly T[], most: number, one: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: most }, async () => {
      for (const item of left) await one(item);
    }),
  );
}
