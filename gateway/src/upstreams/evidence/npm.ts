/** Packages of npm: which version a command runs, and what its lock file says of its content. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ServerIdentity } from '../../pipeline/contracts/identity.ts';
import { asText } from '../../protocol/json.ts';
import { above, digestOfFile, fileAt, jsonOf, textOf } from './files.ts';

/** Characters of one entry of a lock file. */
const maxEntry = 8_192;
const names = /^(@[a-z0-9~._-]{1,100}\/)?[a-z0-9~._-]{1,200}$/i;

export interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** `npx -y name@1.2.3 …`: the package that npm would take, from the project, or from its cache. */
export async function packageRun(spec: string, { cwd, env }: Place): Promise<ServerIdentity> {
  const at = spec.indexOf('@', 1);
  const name = at < 0 ? spec : spec.slice(0, at);
  const wanted = at < 0 ? '' : spec.slice(at + 1);
  if (!names.test(name)) return { package: spec };
  for (const folder of above(cwd)) {
    const found = await packageIn(join(folder, 'node_modules', name));
    if (found !== undefined && (!/^\d/.test(wanted) || found.version === wanted)) return found;
  }
  const cache = env['npm_config_cache'] ?? env['NPM_CONFIG_CACHE'] ?? join(env['HOME'] ?? homedir(), '.npm');
  const key = createHash('sha512').update(spec).digest('hex').slice(0, 16);
  return (await packageIn(join(cache, '_npx', key, 'node_modules', name))) ?? { package: spec };
}

/** The package that a file belongs to. */
export async function packageOf(file: string): Promise<ServerIdentity | undefined> {
  for (const folder of above(dirname(file))) {
    const found = await packageIn(folder);
    if (found !== undefined) return found;
    if (basename(folder) === 'node_modules') return undefined;
  }
  return undefined;
}

/** `undefined` where the folder holds no package. */
async function packageIn(folder: string): Promise<ServerIdentity | undefined> {
  const manifest = await fileAt(join(folder, 'package.json'));
  const content = manifest === undefined ? undefined : await jsonOf(manifest);
  const name = asText(content?.name);
  if (manifest === undefined || name === '') return undefined;
  const integrity = await integrityOf(folder, name);
  const digest = integrity === undefined ? await digestOfFile(manifest) : undefined;
  return {
    package: name,
    version: asText(content?.version),
    ...(integrity !== undefined && { integrity }),
    ...(digest !== undefined && { manifest: `sha256-${digest}` }),
  };
}

/** By the hidden lock file that npm keeps of what it installed. Only the entry is parsed: such files may be large. */
async function integrityOf(folder: string, name: string): Promise<string | undefined> {
  const modules = folder.slice(0, -name.length - 1);
  if (basename(modules) !== 'node_modules') return undefined;
  const text = await textOf(join(modules, '.package-lock.json'));
  const begin = text?.indexOf(`"node_modules/${name}": {`) ?? -1;
  if (text === undefined || begin < 0) return undefined;
  const entry = text.slice(begin, begin + maxEntry);
  const end = entry.indexOf('"node_modules/', 10);
  return /"integrity":\s*"([^"]{1,256})"/.exec(end < 0 ? entry : entry.slice(0, end))?.[1];
}
