/** Which edition of each secret a running gateway works with, so that a rotation can be waited for. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface InUse {
  readonly pid: number;
  readonly editions: Readonly<Record<string, string>>;
}

export function writeInUse(data: string, editions: ReadonlyMap<string, string>): void {
  const folder = join(data, 'secrets');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, '.in-use');
  writeFileSync(`${path}.new`, JSON.stringify({ pid: process.pid, editions: Object.fromEntries(editions) }), {
    mode: 0o600,
  });
  renameSync(`${path}.new`, path);
}

/** The edition that a running gateway uses; `undefined` when none runs, or when it uses no such secret. */
export function editionInUse(data: string, name: string): string | undefined {
  try {
    const { pid, editions } = JSON.parse(readFileSync(join(data, 'secrets', '.in-use'), 'utf8')) as InUse;
    process.kill(pid, 0);
    return editions[name];
  } catch {
    return undefined;
  }
}
