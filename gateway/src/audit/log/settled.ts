/** `settled.json`: up to where tiles are known to be on the disk, and what the next opening must know besides. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Disk, replaceFile, syncFolder } from './disk.ts';

/** What is written in another version is not read: it is made again from the segments. */
const version = 2;

export interface Settled {
  /** Records. */
  readonly size: number;
  readonly open: unknown;
}

const nothing: Settled = { size: 0, open: undefined };

export function readSettled(folder: string): Settled {
  const path = join(folder, 'settled.json');
  if (!existsSync(path)) return nothing;
  const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Settled & { readonly version: number }>;
  if (value.version !== version || !Number.isSafeInteger(value.size)) return nothing;
  return { size: value.size ?? 0, open: value.open };
}

/** Durable when it returns. */
export function writeSettled(folder: string, disk: Disk, { size, open }: Settled): void {
  replaceFile(disk, join(folder, 'settled.json'), `${JSON.stringify({ version, size, open })}\n`);
  syncFolder(disk, folder);
}
