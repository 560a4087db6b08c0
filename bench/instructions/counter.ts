/**
 * Counts the instructions that a program runs, by qemu's user mode. A machine whose caches others use takes three times as
 * long for the same call, and another time a minute later; the count of the main thread stays the same within a percent or four.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { arch, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Instructions so far: of the main thread, and of all threads. */
export interface Counts {
  readonly thread: number;
  readonly process: number;
}

export interface Counter extends AsyncDisposable {
  /** The beginning of a command whose program is counted. Each is for one program. */
  readonly prefix: readonly [string, ...string[]];
  read(): Promise<Counts>;
}

const emulators: Readonly<Record<string, string>> = { x64: 'qemu-x86_64', arm64: 'qemu-aarch64' };

export async function createCounter(): Promise<Counter> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-count-'));
  const [plugIn, file] = [join(folder, 'count.so'), join(folder, 'counts')];
  try {
    const source = join(import.meta.dirname, 'count.c');
    const compiled = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', plugIn, source], { encoding: 'utf8' });
    if (compiled.status !== 0)
      throw new Error(`the counter does not compile (Debian: gcc): ${compiled.error ?? compiled.stderr}`);
    const emulator = emulators[arch()];
    if (emulator === undefined || spawnSync(emulator, ['--version']).status !== 0)
      throw new Error(`instructions are counted by ${emulator ?? 'qemu, on x64 and arm64'} (Debian: qemu-user)`);
    const prefix = ['setpriv', '--pdeathsig', 'KILL', emulator, '-plugin', `${plugIn},counts=${file}`] as const;
    return {
      prefix,
      async read() {
        const bytes = await readFile(file);
        const each = Array.from({ length: bytes.length / 8 }, (_, at) => Number(bytes.readBigUInt64LE(at * 8)));
        return { thread: each[0] ?? 0, process: each.reduce((sum, one) => sum + one, 0) };
      },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
