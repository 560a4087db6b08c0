/** Reads the files of a configuration, one file or a folder of them, and merges them into one tree. */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readRegular } from '../stores/regular-file.ts';
import { type Diagnostic, type DiagnosticCode, formatPlace } from './diagnostic.ts';
import type { Located, LocatedEntry, LocatedMap } from './located.ts';
import { lockFileName } from './lock-file.ts';
import { parseYaml } from './yaml.ts';

const maxBytes = 8 * 1024 ** 2;
const maxFiles = 256;
/** Milliseconds for one file, which may lie on another machine. */
const maxFileMs = 10_000;

export type SourceResult =
  | {
      readonly ok: true;
      readonly root: LocatedMap;
      /** Absolute. */
      readonly files: readonly string[];
      /** Absolute; where relative paths of the configuration begin. */
      readonly folder: string;
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export async function readSource(path: string): Promise<SourceResult> {
  const listed = await filesOf(path);
  if (!listed.ok) return listed;
  const diagnostics: Diagnostic[] = [];
  const roots: LocatedMap[] = [];
  let budget = maxBytes;
  for (const file of listed.files) {
    const read = await readRegular(file, budget, maxFileMs);
    if (!read.ok && read.why !== 'too-large') {
      const remedy = 'Check that it is a file and can be read.';
      diagnostics.push(complaint(file, `cannot be read: ${read.problem}`, remedy));
      continue;
    }
    if (!read.ok) {
      diagnostics.push(
        complaint(file, `is larger than ${maxBytes / 1024 ** 2} MiB`, 'Make the configuration smaller.'),
      );
      break;
    }
    budget -= read.bytes.length;
    const text = decode(read.bytes);
    if (text === undefined) {
      diagnostics.push(complaint(file, 'is not UTF-8', 'Save it as UTF-8.', 'CFG002'));
      continue;
    }
    const parsed = parseYaml(text, file);
    if (!parsed.ok) diagnostics.push(...parsed.diagnostics);
    else if (parsed.root.kind === 'map') roots.push(parsed.root);
    else
      diagnostics.push({
        code: 'CFG012',
        place: parsed.root.at,
        problem: 'the configuration is not a map',
        remedy: 'Begin with "version: 1"; `sallyport init` writes a complete file.',
      });
  }
  const [first, ...others] = roots;
  if (first === undefined || diagnostics.length > 0) return { ok: false, diagnostics };
  const root = others.reduce((all, next) => mergeMaps(all, next, '', diagnostics), first);
  if (diagnostics.length > 0) return { ok: false, diagnostics };
  return { ok: true, root, files: listed.files.map((file) => resolve(file)), folder: resolve(listed.folder) };
}

type Listed =
  | { readonly ok: true; readonly files: readonly string[]; readonly folder: string }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

async function filesOf(path: string): Promise<Listed> {
  const refuse = (problem: string, remedy: string): Listed => ({
    ok: false,
    diagnostics: [complaint(path, problem, remedy)],
  });
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (info instanceof Error)
    return info.code === 'ENOENT'
      ? refuse('does not exist', 'Name another file with --config, or write one with `sallyport init`.')
      : refuse(`cannot be read: ${info.code ?? info.message}`, 'Check its permissions.');
  if (!info.isDirectory()) return { ok: true, files: [path], folder: dirname(path) };
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => error);
  if (names instanceof Error) return refuse(`cannot be read: ${names.code ?? names.message}`, 'Check its permissions.');
  const files = names.filter((name) => /^[^.].*\.ya?ml$/.test(name) && name !== lockFileName).toSorted();
  if (files.length === 0) return refuse('holds no .yaml or .yml file', 'Put the configuration there.');
  if (files.length > maxFiles) return refuse(`holds more than ${maxFiles} files`, 'Merge some of them.');
  return { ok: true, files: files.map((name) => join(path, name)), folder: path };
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function complaint(file: string, problem: string, remedy: string, code: DiagnosticCode = 'CFG001'): Diagnostic {
  return { code, place: { file, line: 1, column: 1 }, problem, remedy };
}

/** Maps whose entries may come from several files; everything else belongs to one file as a whole. */
const merged = new Set([
  'listen',
  'bounds',
  'authentication',
  'callers',
  'callers.users',
  'callers.agents',
  'callers.applications',
  'servers',
]);
const appended = new Set(['connections', 'tests']);

function mergeMaps(first: LocatedMap, second: LocatedMap, path: string, diagnostics: Diagnostic[]): LocatedMap {
  const entries = new Map(first.entries);
  for (const [key, entry] of second.entries) {
    const before = entries.get(key);
    const value = before && mergeValues(before.value, entry.value, path === '' ? key : `${path}.${key}`, diagnostics);
    if (before === undefined) entries.set(key, entry);
    else if (value !== undefined) entries.set(key, { key: before.key, value });
    else diagnostics.push(twice(path === '' ? key : `${path}.${key}`, before, entry));
  }
  return { ...first, entries };
}

/** `undefined` where the two cannot stand together. */
function mergeValues(first: Located, second: Located, path: string, diagnostics: Diagnostic[]): Located | undefined {
  if (first.kind === 'map' && second.kind === 'map' && merged.has(path))
    return mergeMaps(first, second, path, diagnostics);
  if (first.kind === 'list' && second.kind === 'list' && appended.has(path))
    return { ...first, items: [...first.items, ...second.items] };
  const sameVersion =
    path === 'version' && first.kind === 'scalar' && second.kind === 'scalar' && first.value === second.value;
  return sameVersion ? first : undefined;
}

function twice(path: string, before: LocatedEntry, entry: LocatedEntry): Diagnostic {
  return {
    code: 'CFG003',
    place: entry.key,
    problem: `"${path}" stands here and at ${formatPlace(before.key)}`,
    remedy: 'Keep one of them.',
  };
}
