/** Makes what is published: `dist/` from `src/`, beside the licence and the README of the repository. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const packageFolder = join(import.meta.dirname, '..');
rmSync(join(packageFolder, 'dist'), { recursive: true, force: true });
const compiled = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: packageFolder, stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
for (const file of ['LICENSE', 'README.md']) copyFileSync(join(packageFolder, '..', file), join(packageFolder, file));
// Editors read it by the address in the first line of a configuration.
cpSync(join(packageFolder, '..', 'schema'), join(packageFolder, 'schema'), { recursive: true });
