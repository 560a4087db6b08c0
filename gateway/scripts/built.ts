/** For tests: the program as it is published, which starts with a fifth less CPU than the sources do. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.ts';

const packageFolder = join(import.meta.dirname, '..');
// Below the package, so that it finds the same libraries.
const cache = join(packageFolder, 'node_modules', '.cache', 'built');
/** Builds that are kept: other tests may run of them. */
const keptBuilds = 4;

function digest(): string {
  const hash = createHash('sha256');
  const lock = join('..', 'package-lock.json');
  for (const file of [
    ...globSync('{src,bin,scripts}/**/*.{ts,js}', { cwd: packageFolder }).toSorted(),
    'package.json',
    lock,
  ])
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(packageFolder, file)));
  return hash.digest('hex').slice(0, 16);
}

/** The file of the command line. It is built when something changed since, and put in its place whole. */
export async function builtProgram(): Promise<string> {
  mkdirSync(cache, { recursive: true });
  const folder = join(cache, digest());
  if (!existsSync(folder)) {
    const draft = mkdtempSync(join(cache, 'draft-'));
    await bundle(join(draft, 'dist'));
    cpSync(join(packageFolder, 'bin'), join(draft, 'bin'), { recursive: true });
    cpSync(join(packageFolder, 'package.json'), join(draft, 'package.json'));
    if (existsSync(folder)) rmSync(draft, { recursive: true });
    else renameSync(draft, folder);
    forgetOld();
  }
  return join(folder, 'bin', 'sallyport.js');
}

function forgetOld(): void {
  const builds = globSync('*', { cwd: cache }).map((name) => join(cache, name));
  const made = new Map(builds.map((path) => [path, statSync(path).mtimeMs]));
  const byAge = builds.toSorted((a, b) => (made.get(b) ?? 0) - (made.get(a) ?? 0));
  for (const path of byAge.slice(keptBuilds)) rmSync(path, { recursive: true, force: true });
}
