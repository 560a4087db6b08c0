/** Every collection that a class keeps has a line in docs/bounds.md, and every line has its collection. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const src = join(root, 'gateway', 'src');
const page = readFileSync(join(root, 'docs', 'bounds.md'), 'utf8');

/** Commands end with what they were asked. */
const files = globSync('**/*.ts', { cwd: src }).filter(
  (file) => !file.endsWith('.test.ts') && !file.startsWith('cli/'),
);
const field = /^ {2}(?:readonly )?(#[a-zA-Z]+)(?:: [^=\n]+)? = (?:new (?:Map|Set)\b|\[\])/gm;

/** The names that stand behind a path on the page, up to the next path or cell. */
function named(file: string): ReadonlySet<string> {
  const names = page.split(`\`${file}\``).slice(1);
  return new Set(
    names.flatMap((text) => [...(/^[^`|:]*/.exec(text)?.[0] ?? '').matchAll(/#?[a-zA-Z]+/g)].map(([name]) => name)),
  );
}

test('every collection of a class has a bound that is written down', () => {
  const missing = files.flatMap((file) => {
    const known = named(file);
    return [...readFileSync(join(src, file), 'utf8').matchAll(field)]
      .map(([, name = '']) => name)
      .filter((name) => !known.has(name))
      .map((name) => `${file} ${name}`);
  });
  assert.deepEqual(missing, []);
});

test('every place that the page names is there', () => {
  for (const [, file = '', rest = ''] of page.matchAll(/`([a-z0-9-]+(?:\/[a-z0-9-]+)*\.ts)`([^`|:;]*)/g)) {
    const text = readFileSync(join(src, file), 'utf8');
    for (const [name] of rest.matchAll(/#[a-zA-Z]+/g)) assert.ok(text.includes(name), `${file} ${name}`);
  }
});
