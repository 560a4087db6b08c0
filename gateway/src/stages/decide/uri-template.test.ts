import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseUri } from './uri.ts';
import { matchUri, parsePattern } from './uri-pattern.ts';
import { canOverlap, covers, parseTemplate } from './uri-template.ts';

function compare(pattern: string, template: string): { overlap: boolean; covered: boolean } {
  const parsed = parsePattern(pattern);
  assert.ok(parsed.ok, pattern);
  const read = parseTemplate(template);
  assert.ok(read !== undefined, template);
  return { overlap: canOverlap(parsed.pattern, read), covered: covers(parsed.pattern, read) };
}

test('templates are shown when a pattern can meet them', () => {
  const cases: readonly (readonly [pattern: string, template: string, overlap: boolean, covered: boolean])[] = [
    ['*', '{+anything}', true, true],
    ['demo://**', 'demo://resource/dynamic/text/{id}', true, true],
    ['demo://resource/{x}', 'demo://resource/{id}', true, true],
    ['demo://resource/7', 'demo://resource/{id}', true, false],
    ['demo://resource/{x}', 'demo://resource/7', true, true],
    ['demo://resource/{x}', 'demo://resource/dynamic/{id}', false, false],
    ['demo://resource/**', 'demo://resource/dynamic/{id}', true, true],
    ['demo://other/{x}', 'demo://resource/{id}', false, false],
    ['file:///shared/{x}', 'file:///{+path}', true, false],
    ['file:///shared/**', 'file:///shared/{+path}', true, true],
    ['file:///shared/**', 'file:///secret/{+path}', false, false],
    ['file:///shared/{x}', 'file:///shared/{x}{?page}', true, true],
    ['x://h/a{v}', 'x://h/b{v}', false, false],
    ['x://h/a{v}', 'x://h/{v}', true, false],
    ['x://h/{v}', 'x://h/{a}-{b}', true, true],
    ['x://h/{v}', 'x://{host}/{b}', true, false],
    ['x://h/{v}', '{scheme}://h/1', true, false],
    ['file:///secret/**', 'file:////secret//{x}', false, true],
    ['file:///secret/**', 'file://{host}/secret/{x}', true, true],
    ['https://h/{v}', 'https://H.:443/{v}', true, true],
    ['doc://pro%29x/**', 'doc://pro%29x/{v}', true, true],
    ['doc://a[%2c/**', 'doc://a[%2c/{v}', true, true],
    ['x://h/a{v}0', 'x://h/ab%20', false, false],
    ['x://h/a{v}0', 'x://h/ab0', true, true],
    ['x://h/{v}0', 'x://h/{a}%20', true, false],
    ['x://h/{v}%20', 'x://h/{a}%20', true, true],
  ];
  for (const [pattern, template, overlap, covered] of cases)
    assert.deepEqual(compare(pattern, template), { overlap, covered }, `${pattern} ${template}`);
});

test('a template of which no URI can be read is none', () => {
  for (const template of ['file:///./secret/{x}', 'file:///a/../{x}', 'file:///a/..;{x}/b', 'file:///a/%2e%2e/{x}'])
    assert.equal(parseTemplate(template), undefined, template);
  assert.notEqual(parseTemplate('file:///.{x}'), undefined);
});

const named = (parts: readonly string[]) => `r://h/${parts.map((part, at) => part.replace('v', `v${at}`)).join('/')}`;

test('a template is shown whenever one of its URIs matches, and covered only when all do', () => {
  const piece = fc.constantFrom('a', 'b', 'ab', '{v}', 'a{v}', '{v}b');
  const shape = fc.array(piece, { minLength: 1, maxLength: 3 });
  const value = fc.constantFrom('a', 'b', 'ab', 'x', 'aa', 'bb');
  fc.assert(
    fc.property(shape, shape, value, (ours, theirs, filled) => {
      const pattern = named(ours);
      const template = named(theirs);
      const uri = parseUri(template.replace(/\{\w+\}/g, filled));
      const parsed = parsePattern(pattern);
      assert.ok(uri.ok && parsed.ok);
      const { overlap, covered } = compare(pattern, template);
      const matches = matchUri(parsed.pattern, uri.uri, 'opening') !== undefined;
      if (matches) assert.ok(overlap, `${pattern} ${template}`);
      else assert.ok(!covered, `${pattern} ${template}`);
    }),
    { numRuns: 2_000 },
  );
});
