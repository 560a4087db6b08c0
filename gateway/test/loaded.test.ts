/** What a gateway has loaded before its first request: each module costs CPU at every start, and memory for good. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const program = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
await import(process.argv[1]);
console.log(JSON.stringify([...loaded, ...process.moduleLoadList]));
`;

function loadedBy(file: string): readonly string[] {
  const options = ['--input-type=module', '--eval', program, join(import.meta.dirname, '..', 'src', file)];
  const { stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as readonly string[];
}

test('a gateway starts without the pages and without the HTTP client of fetch', () => {
  const heavy = /\/hono\/|\/zod-openapi\/|\/admin\/pages\/|\/undici\/undici/;
  const loaded = loadedBy('runtime/serve.ts');
  assert.ok(loaded.some((module) => module.endsWith('/admin/listener.ts')));
  assert.deepEqual(
    loaded.filter((module) => heavy.test(module)),
    [],
  );
  assert.ok(loadedBy('admin/app.ts').some((module) => heavy.test(module)));
});
