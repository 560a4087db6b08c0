/** The hand-written server as a program that notes each of its starts. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Behaviour } from '../fixtures/other/core.ts';

const program = join(import.meta.dirname, '..', 'fixtures', 'other', 'stdio.ts');

export interface OtherProgram extends AsyncDisposable {
  readonly command: readonly [string, ...string[]];
  /** What it has noted: a line for each start, one for each SIGTERM. */
  readonly notes: () => Promise<readonly string[]>;
  /** Process ids in the order of their starts. */
  readonly starts: () => Promise<readonly string[]>;
}

/** `delayMs`: it reads nothing before, as one that is fetched first. */
export async function otherProgram(behaviour: Behaviour, { delayMs = 0 } = {}): Promise<OtherProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-other-'));
  const file = join(folder, 'notes');
  const notes = async (): Promise<readonly string[]> => (await readFile(file, 'utf8')).trim().split('\n');
  return {
    command: [process.execPath, program, JSON.stringify(behaviour), file, String(delayMs)],
    notes,
    starts: async () => (await notes()).filter((line) => /^\d+$/.test(line)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
