/**
 * The direction of imports, and the one folder that owns each library (docs/design.md, section 3). Stages know nothing
 * of each other: what one must know of another arrives in the exchange.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

const src = join(import.meta.dirname, '..', 'src');

/** What a folder may import besides itself. `runtime` and `cli` put everything together. No stage imports another one. */
const base = ['protocol', 'telemetry'];
const mayImport: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  telemetry: ['protocol'],
  process: ['stores'],
  stores: [...base],
  // Contracts, and what keeps them: in this process or in the embedded database.
  state: ['stores'],
  config: ['protocol', 'stores', 'process'],
  secrets: [...base, 'config', 'stores', 'state', 'egress'],
  egress: [...base],
  pipeline: [...base],
  oauth: [...base, 'pipeline', 'config', 'stores', 'secrets', 'egress'],
  'stages/authenticate': [...base, 'pipeline', 'config', 'stores', 'state', 'secrets', 'egress', 'oauth'],
  'stages/resume': [...base, 'pipeline', 'state'],
  'stages/resolve': [...base, 'pipeline'],
  'stages/local': [...base, 'pipeline'],
  'stages/decide': [...base, 'pipeline', 'config'],
  'stages/limits': [...base, 'pipeline', 'config', 'state'],
  'stages/approve': [...base, 'pipeline', 'secrets', 'stores', 'state'],
  'stages/inspect': [...base, 'pipeline', 'egress', 'secrets', 'process'],
  'stages/forward': [...base, 'pipeline'],
  'stages/record': [...base, 'pipeline', 'config', 'stores', 'state', 'secrets', 'egress', 'process'],
  pins: [...base, 'pipeline', 'config', 'stores', 'secrets'],
  tiers: [...base, 'pipeline'],
  catalog: [...base, 'pipeline', 'config', 'stores', 'tiers'],
  listeners: [...base, 'pipeline', 'config', 'stores'],
  upstreams: [...base, 'pipeline', 'config', 'stores', 'state', 'secrets', 'egress', 'oauth', 'process'],
  accounts: [...base, 'pipeline', 'config', 'state', 'stages/approve'],
  operators: [...base, 'pipeline', 'stores', 'secrets'],
  channels: [...base, 'config', 'stores', 'secrets', 'egress'],
  admin: [...base, 'pipeline', 'config', 'stores', 'state', 'operators', 'stages/approve', 'listeners', 'channels'],
};

/** Lists of plug-ins with their contracts: the schema of the configuration is assembled from them. */
const plugIns =
  /^(?:upstreams\/credentials\/(?:kinds|contract)|stages\/(?:authenticate|limits)\/(?:list|contract)|stages\/authenticate\/jwt\/options|stages\/inspect\/detectors\/list|pipeline\/contracts\/(?:guardrails|argument-roles|limit|traits)|operators\/roles|channels\/(?:list|contract))\.ts$/;

/** The folder at the top, or below `stages/`, that a file is in. */
function folderOf(file: string): string {
  const [first = '', second = ''] = file.split('/');
  return first === 'stages' ? `${first}/${second}` : first;
}

/** The folders that may import a library: one, but for what two protocols share. What is not here has no owner. */
const owners: Readonly<Record<string, string | readonly string[]>> = {
  jose: ['stages/authenticate', 'oauth'],
  oauth4webapi: ['oauth', 'stages/authenticate'],
  '@aws-sdk/client-kms': 'secrets',
  '@aws-sdk/client-secrets-manager': 'secrets',
  'eventsource-parser': 'upstreams',
  undici: 'upstreams',
  re2js: ['catalog', 'stages/inspect'],
  '@marcbachmann/cel-js': 'stages/decide',
  'mmdb-lib': 'stages/decide',
  yaml: 'config',
  zod: ['channels', 'config', 'upstreams', 'stages/authenticate', 'stages/limits'],
  'libpg-query': 'stages/inspect',
  'node-sql-parser': 'stages/inspect',
  pino: 'telemetry',
  '@prometheus-io/client': 'telemetry',
  commander: 'cli',
  hono: 'admin',
  '@hono/zod-openapi': 'admin',
  '@hono/node-server': 'admin',
  '@simplewebauthn/server': 'operators',
  otpauth: 'operators',
  nodemailer: 'channels',
  'smol-toml': 'cli',
};

/** It imports types of `node:http` and nothing that runs. */
function isOfTypes(source: string): boolean {
  const statements = source.match(/^import[^;]*?'node:http';/gm) ?? [];
  return statements.every((statement) => statement.startsWith('import type '));
}

test('imports follow the road and every library has one owner', () => {
  const complaints: string[] = [];
  for (const file of globSync('**/*.ts', { cwd: src })) {
    if (file.endsWith('.test.ts')) continue;
    const folder = folderOf(file);
    const source = readFileSync(join(src, file), 'utf8');
    for (const [, specifier = ''] of source.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^'\n]+)'/gm)) {
      if (specifier === 'node:http' && file !== 'protocol/node-http.ts' && !isOfTypes(source))
        complaints.push(`${file}: what runs of node:http comes from protocol/node-http.ts`);
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
      const targetFile = relative(src, normalize(join(src, dirname(file), specifier)));
      const target = folderOf(targetFile);
      if (folder === 'config' && plugIns.test(targetFile)) continue;
      if (folder === 'runtime' || folder === 'cli' || target === folder) continue;
      if (!mayImport[folder]?.includes(target)) complaints.push(`${file}: ${folder} may not import ${target}`);
    }
  }
  assert.deepEqual(complaints, []);
});

/** The types that say how far an exchange has come, and what may leave: each is made by one function. */
const madeIn: Readonly<Record<string, string>> = {
  Resumed: 'stages/resume/input-requests.ts',
  Allowed: 'pipeline/permit.ts',
  Inspected: 'pipeline/inspect.ts',
  Limited: 'pipeline/steps.ts',
  Intended: 'pipeline/steps.ts',
  Delivered: 'pipeline/deliver.ts',
};

test('each state of an exchange is made in one place', () => {
  const found = globSync('**/*.ts', { cwd: src }).flatMap((file) =>
    [
      ...readFileSync(join(src, file), 'utf8').matchAll(
        /\bas (Resumed|Allowed|Inspected|Limited|Intended|Delivered)\b/g,
      ),
    ].map(([, name = '']) => `${name} ${file}`),
  );
  assert.deepEqual(
    [...new Set(found)].toSorted(),
    Object.entries(madeIn)
      .map((entry) => entry.join(' '))
      .toSorted(),
  );
});

/** Replies that are already text: lists, which are written once for many, and results as the record has them. */
const writers = ['stages/local/lists.ts', 'pipeline/facts.ts', 'pipeline/run.ts'];

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

test('an exported function has at most three positional parameters, and no boolean one', () => {
  const complaints = sources().flatMap((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    return [...text.matchAll(/^export (?:async )?function\*? (\w+)(?:<[^(]*>)?\(([\s\S]*?)\)(?::|\s*\{)/gm)].flatMap(
      ([, name = '', list = '']) => {
        const parameters = split(list);
        const isBoolean = parameters.some(
          (each) => /^\w+\??: boolean\b/.test(each) || /^\w+ = (?:true|false)$/.test(each),
        );
        return parameters.length > 3 || isBoolean ? [`${file} ${name}`] : [];
      },
    );
  });
  assert.deepEqual(complaints, []);
});

/** The parameters of a list, which may be patterns and hold types with commas of their own. */
function split(list: string): readonly string[] {
  const parts = [''];
  let depth = 0;
  for (const sign of list.replaceAll('=>', '')) {
    if ('({[<'.includes(sign)) depth++;
    if (')}]>'.includes(sign)) depth--;
    if (sign === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += sign;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
