/** Makes what is published: `dist/` from `src/`, beside the licence and the README of the repository. */
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.ts';

const packageFolder = join(import.meta.dirname, '..');
const dist = join(packageFolder, 'dist');
rmSync(dist, { recursive: true, force: true });
await bundle(dist);
for (const file of ['LICENSE', 'README.md']) copyFileSync(join(packageFolder, '..', file), join(packageFolder, file));
// Editors read it by the address in the first line of a configuration.
cpSync(join(packageFolder, '..', 'schema'), join(packageFolder, 'schema'), { recursive: true });
