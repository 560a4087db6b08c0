/** `settled.json`: up to where tiles are known to be on the disk, and what the next opening must know besides. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readFileSync } from '../../../stores/own-files.ts';
import { type Disk, replaceFile, syncFolder } from './disk.ts';
import { tileWidth } from './tiles.ts';

/** A file of another version, or a damaged one, is ignored: its content is derived again from the segments. */
const version = 3;

export interface Settled {
  /** Records. */
  readonly size: number;
  readonly open: unknown;
}

const nothing: Settled = { size: 0, open: undefined };

export function readSettled(folder: string): Settled {
  const path = join(folder, 'settled.json');
  if (!existsSync(path)) return nothing;
  const { version: written, size = 0, open } = parsed(readFileSync(path, 'utf8'));
  if (written !== version || !Number.isSafeInteger(size) || size % tileWidth !== 0) return nothing;
  return { size, open };
}

function parsed(text: string): Partial<Settled & { readonly version: number }> {
  try {
    return JSON.parse(text) as Partial<Settled>;
  } catch {
    return {};
  }
}

/** Durable when it returns. */
export function writeSettled(folder: string, disk: Disk, { size, open }: Settled): void {
  replaceFile(disk, join(folder, 'settled.json'), `${JSON.stringify({ version, size, open })}\n`);
  syncFolder(disk, folder);
}
