/** Each requirement has a proof that exists, and each number in the name of a test is that of a requirement. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { pageFile, requirementsPage } from '../../e2e/requirements/page.ts';
import { isProved, type Proof, type Requirement } from '../../e2e/requirements/requirement.ts';
import { requirements } from '../../e2e/requirements.ts';

const root = join(import.meta.dirname, '..', '..');
const testFiles = ['e2e/**/*.test.ts', 'gateway/src/**/*.test.ts', 'gateway/test/**/*.test.ts']
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((file) => !file.includes('node_modules'));
const texts = new Map(testFiles.map((file) => [file, readFileSync(join(root, file), 'utf8')]));

/** The names of the tests of a file, as they stand in its source. A test that is skipped or still to do is none. */
function testsIn(text: string): readonly string[] {
  return [...text.matchAll(/\btest\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g)].map(
    ([, single, double, template]) => single ?? double ?? template ?? '',
  );
}

/** The ids that the name of a test in `e2e` quotes. */
function quotedBy(name: string): readonly string[] {
  const lettered = /^([A-Z]\d+(?:, [A-Z]\d+)*)(?: \([a-z]+\))?:/.exec(name)?.[1];
  if (lettered !== undefined) return lettered.split(', ');
  const bare = /^(\d+(?: and \d+)*) /.exec(name)?.[1];
  return bare === undefined ? [] : bare.split(' and ').map((number) => `T${number}`);
}

function problemOf({ file, test: name, of }: Proof): string | undefined {
  const text = texts.get(file);
  if (text === undefined) return `${file} is no test file`;
  if (!testsIn(text).includes(name)) return `${file} has no test "${name}"`;
  if (of !== undefined && !text.includes(`'${of}'`)) return `${file} has no case "${of}"`;
  return undefined;
}

function problemsOf(list: readonly Requirement[]): readonly string[] {
  return list.flatMap((each) => {
    if (!isProved(each)) return each.missing.trim() === '' ? [`${each.id} is missing, and belongs nowhere`] : [];
    if (each.proofs.length === 0) return [`${each.id} has no proof`];
    return each.proofs.flatMap((proof) => {
      const problem = problemOf(proof);
      return problem === undefined ? [] : [`${each.id}: ${problem}`];
    });
  });
}

/** Every number that a test or a file of `e2e` quotes, with the place. */
function quoted(): readonly (readonly [id: string, where: string])[] {
  return [...texts]
    .filter(([file]) => file.startsWith('e2e/'))
    .flatMap(([file, text]) => {
      const [, letter = '', number = ''] = /^([a-z])0*(\d+)-/.exec(basename(file)) ?? [];
      const own: (readonly [string, string])[] = letter === '' ? [] : [[`${letter.toUpperCase()}${number}`, file]];
      return own.concat(testsIn(text).flatMap((name) => quotedBy(name).map((id) => [id, `${file}: ${name}`] as const)));
    });
}

test('each requirement is stated once, in one line, with a proof that exists or the work that it waits for', (context) => {
  assert.deepEqual(problemsOf(requirements), []);
  const ids = requirements.map(({ id }) => id);
  assert.deepEqual(
    ids.filter((id, at) => ids.indexOf(id) !== at),
    [],
    'stated twice',
  );
  for (const { id, text } of requirements) assert.match(text, /^[^\n]{10,240}\.$/, id);
  for (const each of requirements)
    if (!isProved(each)) context.diagnostic(`not built yet: ${each.id} ${each.text} (${each.missing})`);
});

test('each number that a test quotes is that of a requirement, which names the test among its proofs', () => {
  const byId = new Map(requirements.map((each) => [each.id, each]));
  const astray = quoted().flatMap(([id, where]) => {
    const requirement = byId.get(id);
    if (requirement === undefined) return [`${id} of ${where} is no requirement`];
    if (!isProved(requirement)) return [`${id} of ${where} is not built yet`];
    const isNamed = requirement.proofs.some(({ file, test: name }) => where === file || where === `${file}: ${name}`);
    return isNamed ? [] : [`${where} is no proof of ${id}`];
  });
  assert.deepEqual(astray, []);
});

test('a proof that does not exist is found', () => {
  const base = { id: 'X1', source: 'here', text: 'Something holds.' };
  const here = 'gateway/test/requirements.test.ts';
  const proof = { file: here, test: 'a proof that does not exist is found' };
  assert.deepEqual(problemsOf([{ ...base, proofs: [proof] }]), []);
  for (const proofs of [
    [],
    [{ ...proof, file: 'e2e/none.test.ts' }],
    [{ ...proof, test: 'a proof that does not' }],
    [{ ...proof, of: ['no', 'such', 'case'].join(' ') }],
  ])
    assert.equal(problemsOf([{ ...base, proofs }]).length, 1, JSON.stringify(proofs));
  assert.equal(problemsOf([{ ...base, missing: ' ' }]).length, 1);
  assert.deepEqual(quotedBy('A6, D5: nothing reaches a caller'), ['A6', 'D5']);
  assert.deepEqual(quotedBy('B5 (unit): the file of a client'), ['B5']);
  assert.deepEqual(quotedBy('8 and 9 metadata of each route'), ['T8', 'T9']);
  assert.deepEqual(quotedBy('a session that was ended is gone'), []);
});

test('docs/requirements.md is what the list says: node e2e/requirements/page.ts writes it', () => {
  assert.equal(readFileSync(pageFile, 'utf8'), requirementsPage(requirements));
});
