/** Packages of Python, as uv, pip and pipx lay them down. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ServerIdentity } from '../../pipeline/contracts/identity.ts';
import { textOf } from './files.ts';
import type { Place } from './npm.ts';

/** Entries of a folder that are looked at. */
const maxEntries = 5_000;
const infoFolder = /^([^-]{1,200})-([^-]{1,100})\.dist-info$/;

/** `uvx name@1.2.3`, `pipx run name`: what the tools of uv have of it; else what the command says. */
export async function toolRun(spec: string, { env }: Place): Promise<ServerIdentity> {
  const [name = spec, version] = spec.split(/@|==/, 2);
  const home = env['HOME'] ?? homedir();
  const tools = env['UV_TOOL_DIR'] ?? join(env['XDG_DATA_HOME'] ?? join(home, '.local', 'share'), 'uv', 'tools');
  const found = await installedIn(join(tools, name), name);
  if (found !== undefined && (version === undefined || version === 'latest' || found.version === version)) return found;
  return { package: name, ...(version !== undefined && { version }) };
}

/** `uv run --directory x`: the lock file of the project says what is run. */
export async function projectRun(folder: string): Promise<ServerIdentity> {
  const lock = await textOf(join(folder, 'uv.lock'));
  return lock === undefined ? {} : { lock: `sha256-${createHash('sha256').update(lock).digest('hex')}` };
}

/** `venv/bin/python -m name`. `program` as it is written, not where its links lead. */
export async function moduleRun(program: string, name: string): Promise<ServerIdentity> {
  return (await installedIn(dirname(dirname(program)), name.split('.', 1)[0] ?? name)) ?? { module: name };
}

/** Of an environment: the version, and the digest of the list of files with their digests. */
async function installedIn(environment: string, name: string): Promise<ServerIdentity | undefined> {
  const plain = normalised(name);
  const lib = join(environment, 'lib');
  for (const python of (await entriesOf(lib)).filter((each) => each.startsWith('python')))
    for (const kind of ['site-packages', 'dist-packages']) {
      const packages = join(lib, python, kind);
      for (const each of await entriesOf(packages)) {
        const [, found = '', version = ''] = infoFolder.exec(each) ?? [];
        if (found === '' || normalised(found) !== plain) continue;
        const record = await textOf(join(packages, each, 'RECORD'));
        return {
          package: name,
          version,
          ...(record !== undefined && { integrity: `sha256-${createHash('sha256').update(record).digest('hex')}` }),
        };
      }
    }
  return undefined;
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).slice(0, maxEntries).toSorted();
  } catch {
    // Not there.
    return [];
  }
}

/** Names are compared as the packaging standard of Python does. */
function normalised(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}
