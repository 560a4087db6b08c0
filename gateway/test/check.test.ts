/** What `sallyport check` says about each broken configuration, word for word. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generated } from '../scripts/generated.ts';

const fixtures = join(import.meta.dirname, 'fixtures');
const sallyport = join(import.meta.dirname, '..', 'bin', 'sallyport.js');

test('every broken configuration is complained about with place, problem and remedy', () => {
  const files = readdirSync(join(fixtures, 'broken')).filter((name) => name.endsWith('.yaml'));
  const paths = [...files.map((name) => `broken/${name}`), 'split'];
  const { stderr, stdout, status } = spawnSync(process.execPath, [sallyport, 'check', ...paths], {
    cwd: fixtures,
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.equal(stdout, '', 'none of them is good');
  // From a checkout commands are told as they can be typed there.
  const told = stderr.replaceAll(`node ${sallyport} `, 'sallyport ');
  const golden = join(fixtures, 'expected.txt');
  // The golden file is read by people before it is committed.
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, told);
  assert.equal(told, readFileSync(golden, 'utf8'));

  const [last, ...before] = stderr.trimEnd().split('\n').toReversed();
  assert.equal(last, 'More may be wrong: what depends on these is checked once they are right.');
  const complaints = before.toReversed();
  for (const [index, line] of complaints.entries())
    assert.match(line, index % 2 === 0 ? /^\S+\.yaml:\d+:\d+ {2}(?:CFG|POL)\d{3} {2}\S/ : /^ {4}\S/);
  for (const file of files) assert.equal(stderr.split(`broken/${file}:`).length, 2, `${file}: exactly one complaint`);
});

test('what is generated from the code is up to date', () => {
  const root = join(import.meta.dirname, '..', '..');
  for (const [path, text] of generated())
    assert.equal(readFileSync(join(root, path), 'utf8'), text, `run: node gateway/scripts/generate.ts (${path})`);
});
