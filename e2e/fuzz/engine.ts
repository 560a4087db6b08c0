/** Runs one target for its time: inputs in batches, and of a batch that fails the smallest part that still does. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from './random.ts';
import type { Subject, Target } from './target.ts';

export interface Report {
  readonly name: string;
  readonly messages: number;
  readonly worstMs: number | undefined;
  readonly failures: readonly string[];
}

export interface Run {
  readonly random: Random;
  readonly forMs: number;
  /** Where failing inputs are written. */
  readonly folder: string;
}

const maxFailures = 3;
/** Attempts at, and milliseconds for, making one failing input smaller. */
const maxReductions = 60;
const reduceForMs = 30_000;

export async function fuzz(target: Target, { random, forMs, folder }: Run): Promise<Report> {
  const failures: string[] = [];
  const until = performance.now() + forMs;
  let messages = 0;
  let worstMs: number | undefined;
  let subject: Subject | undefined;
  try {
    while (performance.now() < until && failures.length < maxFailures) {
      subject ??= await target.open();
      const inputs = Array.from({ length: target.batch }, () => target.make(random));
      const problem = await subject.attempt(inputs);
      messages += inputs.length;
      const worst = subject.worstMs?.();
      if (worst !== undefined) worstMs = Math.max(worstMs ?? 0, worst);
      if (problem === undefined) continue;
      await subject[Symbol.asyncDispose]();
      subject = undefined;
      const reduced = await reduce(target, inputs);
      const file = join(folder, `${target.name.replaceAll(/\W+/g, '-')}-${failures.length + 1}.json`);
      await writeFile(
        file,
        JSON.stringify({ target: target.name, inputs: reduced.map((each) => each.toString('base64')) }),
      );
      failures.push(`${target.name}: ${problem}\n    ${reduced.length} inputs in ${file}`);
    }
  } finally {
    await subject?.[Symbol.asyncDispose]();
  }
  return { name: target.name, messages, worstMs, failures };
}

/** A file that a run wrote, once more. */
export async function replay(target: Target, inputs: readonly Buffer[]): Promise<string | undefined> {
  await using subject = await target.open();
  return await subject.attempt(inputs);
}

/** Halves, then quarters and so on, of the inputs, and of the bytes of one that is left, while the rest still fails. */
async function reduce(target: Target, inputs: readonly Buffer[]): Promise<readonly Buffer[]> {
  const deadline = performance.now() + reduceForMs;
  let left = maxReductions;
  const fails = async (some: readonly Buffer[]): Promise<boolean> => {
    if (left-- <= 0 || performance.now() > deadline) return false;
    return (await replay(target, some)) !== undefined;
  };
  const fewer = await shrink(inputs, (some) => fails(some));
  const [only, another] = fewer;
  if (only === undefined || another !== undefined) return fewer;
  const bytes = await shrink([...only], (some) => fails([Buffer.from(some)]));
  return [Buffer.from(bytes)];
}

async function shrink<T>(items: readonly T[], fails: (some: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = items;
  for (let size = Math.ceil(kept.length / 2); size >= 1 && kept.length > 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < kept.length && kept.length > 1; ) {
      const without = kept.toSpliced(at, size);
      if (without.length > 0 && (await fails(without))) kept = without;
      else at += size;
    }
  return kept;
}
