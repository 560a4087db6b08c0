/**
 * The direction of imports, and the one folder that owns each library (docs/design.md, section 3). Stages know nothing
 * of each other: what one must know of another arrives in the exchange.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

const src = join(import.meta.dirname, '..', 'src');

/** What a folder may import besides itself. `runtime` and `cli` put everything together. */
const base = ['protocol', 'telemetry'];
const mayImport: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  telemetry: ['protocol'],
  config: ['protocol', 'stores', 'process'],
  pipeline: ['protocol', 'telemetry'],
  listeners: [...base, 'pipeline', 'config', 'stores'],
  egress: [...base],
  stages: [...base, 'pipeline', 'secrets'],
  limits: [...base, 'pipeline'],
  authn: [...base, 'pipeline', 'config', 'stores', 'secrets', 'egress', 'oauth'],
  accounts: [...base, 'pipeline', 'config'],
  connections: [...base, 'pipeline', 'config'],
  policy: [...base, 'pipeline', 'config'],
  catalog: [...base, 'pipeline', 'config', 'stores'],
  upstreams: [...base, 'pipeline', 'config', 'stores', 'secrets', 'egress', 'oauth'],
  audit: [...base, 'pipeline', 'config', 'stores', 'secrets', 'egress', 'process'],
  stores: [...base],
  secrets: [...base, 'config', 'stores', 'egress'],
  oauth: [...base, 'pipeline', 'config', 'stores', 'secrets', 'egress'],
  process: ['stores'],
  admin: [...base, 'pipeline', 'config', 'stores'],
};

/** The folders that may import a library: one, but for what two protocols share. What is not here has no owner. */
const owners: Readonly<Record<string, string | readonly string[]>> = {
  jose: ['authn', 'oauth'],
  'eventsource-parser': 'upstreams',
  re2js: 'catalog',
  '@marcbachmann/cel-js': 'policy',
  yaml: 'config',
  zod: 'config',
  pino: 'telemetry',
  '@prometheus-io/client': 'telemetry',
  commander: 'cli',
  'smol-toml': 'cli',
};

test('imports follow the road and every library has one owner', () => {
  const complaints: string[] = [];
  for (const file of globSync('**/*.ts', { cwd: src })) {
    if (file.endsWith('.test.ts')) continue;
    const folder = file.split('/')[0] ?? '';
    for (const [, specifier = ''] of readFileSync(join(src, file), 'utf8').matchAll(
      /(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^'\n]+)'/gm,
    )) {
      if (specifier === 'node:sqlite' && file !== 'stores/sqlite/driver.ts')
        complaints.push(`${file}: node:sqlite belongs to stores/sqlite/driver.ts`);
      if (specifier.startsWith('node:')) continue;
      if (!specifier.startsWith('.')) {
        const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
        const owner = owners[name];
        if (typeof owner === 'object' ? !owner.includes(folder) : owner !== folder)
          complaints.push(`${file}: ${name} belongs to ${String(owner ?? 'no folder')}`);
        continue;
      }
      const target = relative(src, normalize(join(src, dirname(file), specifier))).split('/')[0] ?? '';
      if (folder === 'runtime' || folder === 'cli' || target === folder) continue;
      if (!mayImport[folder]?.includes(target)) complaints.push(`${file}: ${folder} may not import ${target}`);
    }
  }
  assert.deepEqual(complaints, []);
});

/** The types that say how far an exchange has come, and what may leave: each is made by one function. */
const madeIn: Readonly<Record<string, string>> = {
  Allowed: 'pipeline/permit.ts',
  Inspected: 'pipeline/inspect.ts',
  Intended: 'pipeline/run.ts',
  Delivered: 'pipeline/deliver.ts',
};

test('each state of an exchange is made in one place', () => {
  const found = globSync('**/*.ts', { cwd: src }).flatMap((file) =>
    [...readFileSync(join(src, file), 'utf8').matchAll(/\bas (Allowed|Inspected|Intended|Delivered)\b/g)].map(
      ([, name = '']) => `${name} ${file}`,
    ),
  );
  assert.deepEqual(
    [...new Set(found)].toSorted(),
    Object.entries(madeIn)
      .map((entry) => entry.join(' '))
      .toSorted(),
  );
});

/** Replies that are already text: lists, which are written once for many, and results as the record has them. */
const writers = ['connections/lists.ts', 'pipeline/facts.ts', 'pipeline/run.ts'];

test('only lists and the record write replies as text', () => {
  const found = sources().filter((file) => /\bkind: '(?:text|pieces)'/.test(readFileSync(join(src, file), 'utf8')));
  assert.deepEqual(
    found.filter((file) => !writers.includes(file) && !/^(?:pipeline\/exchange|listeners\/)/.test(file)),
    [],
  );
});

const maxLines = 350;

test('no file is longer than a reader takes in', () => {
  const lines = (file: string): number => readFileSync(join(src, file), 'utf8').split('\n').length - 1;
  assert.deepEqual(
    sources().filter((file) => lines(file) > maxLines),
    [],
  );
});

function sources(): readonly string[] {
  return globSync('**/*.ts', { cwd: src }).filter((file) => !file.endsWith('.test.ts'));
}
