/** Loading a configuration takes time in proportion to its size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkShape } from '../../gateway/src/config/issues.ts';
import { checkNames } from '../../gateway/src/config/names.ts';
import { parseYaml } from '../../gateway/src/config/yaml.ts';

/** Processor time, in milliseconds: other processes of the machine do not count. */
function cost(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function large(users: number): string {
  const names = Array.from({ length: users }, (_, n) => `user-${n}`);
  return `version: 1
callers:
  roles: { all: &role {} }
  users:
${names.map((name) => `    ${name}: { roles: [all] }`).join('\n')}
servers: { one: { url: "https://one.example/mcp" } }
connections:
  - name: all
    from: { user: [${names.join(', ')}] }
    to: one
    tools: [{ allow: "*" }]
`;
}

function load(text: string): void {
  const parsed = parseYaml(text, 'large.yaml');
  assert.ok(parsed.ok);
  const shape = checkShape(parsed.root);
  assert.ok(shape.ok, JSON.stringify(shape.ok || shape.diagnostics.slice(0, 3)));
  assert.deepEqual(
    checkNames(shape.value, () => ({ file: '', line: 1, column: 1 })),
    [],
  );
}

test('A27 (unit): eight times the users cost less than thirty times the time', () => {
  load(large(500));
  const small = cost(() => load(large(1_000)));
  const eightfold = cost(() => load(large(8_000)));
  assert.ok(eightfold < 30 * small, `${small} ms, then ${eightfold} ms`);
});

test('A27 (unit): equal keys, and aliases of one anchor, are found in one look each', () => {
  const twice = (keys: number): string => `${Array.from({ length: keys }, (_, n) => `k${n}: 1`).join('\n')}\nk0: 2\n`;
  const found = parseYaml(twice(20_000), 'twice.yaml');
  assert.deepEqual(!found.ok && found.diagnostics, [
    {
      code: 'CFG003',
      place: { file: 'twice.yaml', line: 20_001, column: 1 },
      problem: '"k0" stands twice in the same map',
      remedy: 'Keep one of them.',
    },
  ]);
  const aliases = (count: number): string =>
    `a: &a { b: 1 }\n${Array.from({ length: count }, (_, n) => `k${n}: *a`).join('\n')}\n`;
  cost(() => parseYaml(aliases(500), 'a'));
  const small = cost(() => parseYaml(aliases(1_000), 'a'));
  const eightfold = cost(() => parseYaml(aliases(8_000), 'a'));
  assert.ok(eightfold < 30 * small, `${small} ms, then ${eightfold} ms`);
  assert.equal(parseYaml('a: *nowhere\n', 'a').ok, false);
});
