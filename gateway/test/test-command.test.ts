/** `npm test -- …`: which files and tests its options choose, and what it says to those that it does not have. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const program = join(import.meta.dirname, '..', '..', 'scripts', 'test.ts');

function run(...args: readonly string[]) {
  // A runner within a test would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env });
}

test('an option that it does not have, a pattern that is none and a path without tests are explained, with exit code 2', () => {
  for (const [args, problem] of [
    [['--untit'], /^npm test: Unknown option '--untit'\n/],
    [['--name'], /^npm test: Option '--name <value>' argument missing/],
    [['--name', '('], /^npm test: Invalid regular expression/],
    [['--unit', 'e2e/'], /^npm test: no test file of unit has "e2e\/" in its path/],
    [['--e2e', 'gateway/src/', 'gateway/test/'], /no test file of e2e has "gateway\/src\/" or "gateway\/test\/"/],
  ] as const) {
    const { status, stderr, stdout } = run(...args);
    assert.equal(status, 2, stdout);
    assert.match(stderr, problem);
    assert.match(stderr, /usage: npm test -- \[options\]/);
  }
});

test('a pattern chooses among the tests of the files that the parts of paths choose', () => {
  const file = 'stages/record/log/note.test';
  const { status, stdout } = run('--unit', '--name', 'a key whose id', '--name', '/^NOT THERE/i', file);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /tests 1\n/);
  const none = run('--unit', '--name', 'not there', file);
  assert.equal(none.status, 2, none.stdout);
  assert.match(none.stderr, /^npm test: no test has such a name\n$/);
});
