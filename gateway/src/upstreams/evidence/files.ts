/** Files that say which program it is: read, never run. What cannot be read is no evidence. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isObject, type JsonObject, parseJsonText } from '../../protocol/json.ts';

/** Bytes of a file that are read for a digest, and of one that is read as text. */
const maxHashedBytes = 32 * 1024 * 1024;
const maxTextBytes = 16 * 1024 * 1024;
/** Folders above a file, or above the folder of a process, in which a package is looked for. */
const maxAbove = 32;

export async function fileAt(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    return (await stat(real)).isFile() ? real : undefined;
  } catch {
    // Not there, or not ours to read.
    return undefined;
  }
}

/** SHA-256 in hexadecimal. */
export async function digestOfFile(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > maxHashedBytes) return undefined;
    const digest = createHash('sha256');
    for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer);
    return digest.digest('hex');
  } catch {
    return undefined;
  }
}

export async function textOf(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).size > maxTextBytes ? undefined : await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

export async function jsonOf(path: string): Promise<JsonObject | undefined> {
  const text = await textOf(path);
  const parsed = text === undefined ? undefined : parseJsonText(text, { depth: 64, looseText: true });
  return parsed?.ok === true && isObject(parsed.value) ? parsed.value : undefined;
}

/** The folder and those above it. */
export function above(folder: string): readonly string[] {
  const folders = [folder];
  for (let at = folder; folders.length < maxAbove && dirname(at) !== at; ) folders.push((at = dirname(at)));
  return folders;
}

/** Where a program of this name is: itself with a slash, else the first in the path. */
export async function programAt(
  program: string,
  { cwd, path }: { readonly cwd: string; readonly path: string },
): Promise<string | undefined> {
  if (/[/\\]/.test(program)) return fileAt(join(program.startsWith('/') ? '/' : cwd, program));
  for (const folder of path.split(':').slice(0, 256)) {
    const found = folder === '' ? undefined : await fileAt(join(folder, program));
    if (found !== undefined) return found;
  }
  return undefined;
}
