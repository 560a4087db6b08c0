/**
 * Writes what is generated from the code: the JSON Schema for editors, and the references of keys and diagnostics.
 * With `--check` it writes nothing and ends with 1 when a file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generated } from './generated.ts';

const root = join(import.meta.dirname, '..', '..');
const checkOnly = process.argv.includes('--check');

for (const [path, text] of generated()) {
  const file = join(root, path);
  if (!checkOnly) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write(`${path} is stale: run node gateway/scripts/generate.ts\n`);
    process.exitCode = 1;
  }
}
