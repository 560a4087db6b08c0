/**
 * What a gateway keeps in its data folder, each thing as a regular file or a folder. A FIFO would be waited for without
 * end, a link may lead nowhere; looked at before anything is opened, so that the start says what is wrong instead.
 */
import { type Dirent, lstatSync, opendirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

export interface KeptProblem {
  readonly problem: string;
  readonly remedy: string;
}

type Kind = 'file' | 'folder';

/** Names at the top, and what stands below a folder. Left out: notes that are read with care, and the index. */
const atTop: Readonly<Record<string, Kind>> = {
  'sallyport.db': 'file',
  'sallyport.db-wal': 'file',
  'sallyport.db-shm': 'file',
  keys: 'folder',
  secrets: 'folder',
  accounts: 'folder',
  issuers: 'folder',
};
const logName = /^log(?:-stdio-\d+)?$/;
const inLog: Readonly<Record<string, Kind>> = {
  segments: 'folder',
  tile: 'folder',
  checkpoints: 'folder',
  drafts: 'folder',
  // Of earlier versions: commands ask through the database now.
  requests: 'folder',
};
/** Files of a log that are looked at, the tiles of its first records among them, and problems that are told. */
const maxEntries = 50_000;
const maxProblems = 20;

/** Empty when everything that is there is what it must be. Throws nothing. */
export function keptProblems(data: string): readonly KeptProblem[] {
  const problems: KeptProblem[] = [];
  let left = maxEntries;
  const must = (path: string, kind: Kind): boolean => {
    const problem = problemOf(path, kind);
    if (problem !== undefined && problems.length < maxProblems) problems.push(problem);
    return problem === undefined;
  };
  const below = (folder: string, kindOf: (entry: Dirent) => Kind | undefined): void => {
    for (const entry of entriesOf(folder)) {
      if (--left < 0) return;
      const kind = kindOf(entry);
      const path = join(folder, entry.name);
      // Most are what they must be, and are not looked at again.
      const isSure = (kind === 'file' && entry.isFile()) || (kind === 'folder' && entry.isDirectory());
      if (kind === undefined || (!isSure && !must(path, kind)) || kind === 'file') continue;
      if (logName.test(entry.name)) below(path, ({ name }) => inLog[name] ?? 'file');
      else if (entry.name !== 'requests') below(path, (inner) => kindBelow(path, inner));
    }
  };
  if (!must(data, 'folder')) return problems;
  below(data, ({ name }) => (logName.test(name) ? 'folder' : atTop[name]));
  return problems;
}

/** Tiles lie in folders of folders. Single secrets and accounts are read with care, and one holds up no other. */
function kindBelow(folder: string, entry: Dirent): Kind | undefined {
  if (/\/(?:secrets|accounts|issuers)$/.test(folder)) return undefined;
  return entry.isDirectory() && /\/tile(?:\/|$)/.test(folder) ? 'folder' : 'file';
}

function* entriesOf(folder: string): Generator<Dirent> {
  let open: ReturnType<typeof opendirSync>;
  try {
    open = opendirSync(folder);
  } catch {
    // Not made yet, or not readable, which whatever needs it says.
    return;
  }
  try {
    for (let entry = open.readSync(); entry !== null; entry = open.readSync()) yield entry;
  } finally {
    open.closeSync();
  }
}

function problemOf(path: string, kind: Kind): KeptProblem | undefined {
  let info: Stats | undefined;
  try {
    info = statSync(path, { throwIfNoEntry: false });
    if (info === undefined && lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ELOOP') return { problem: `${path} cannot be looked at: ${code}`, remedy: 'Check its permissions.' };
  }
  if (kind === 'file' ? info?.isFile() : info?.isDirectory()) return undefined;
  const what = info === undefined ? 'a link that leads nowhere' : kindName(info);
  const wanted = kind === 'file' ? 'a regular file' : 'a folder';
  return {
    problem: `${path} is ${what}, not ${wanted}`,
    remedy: 'Put back what was there, from a backup if need be; data in the configuration names the folder.',
  };
}

function kindName(info: Stats): string {
  if (info.isDirectory()) return 'a folder';
  if (info.isFIFO()) return 'a FIFO';
  if (info.isFile()) return 'a file';
  return info.isSocket() ? 'a socket' : 'a device';
}
