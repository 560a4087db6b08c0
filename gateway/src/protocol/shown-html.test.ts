/** Marks for what is not seen, and the time that they take. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMs } from '../../test/support/cpu.ts';
import { maxMarks, shownHtml } from './shown-html.ts';

test('each character that is not what it looks like has a mark', () => {
  for (const code of [
    0x00, 0x07, 0x09, 0x0d, 0x7f, 0x85, 0xa0, 0xad, 0x115f, 0x1160, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x2028,
    0x202e, 0x2060, 0x2066, 0x2800, 0x3000, 0x3164, 0xfe0f, 0xfeff, 0xffa0, 0xfffc, 0xe000, 0xffff, 0x1d173, 0x1d400,
    0xff21, 0xe0041, 0xf0000, 0xd800,
  ]) {
    const html = shownHtml(`a${String.fromCodePoint(code)}b`) ?? '';
    assert.match(html, /^a<mark title="[^"]*U\+[0-9A-F]+">.*<\/mark>b$/u, code.toString(16));
  }
  assert.equal(
    shownHtml('p\u0430ypal \u0430\u0431\u0432'),
    'p<mark title="\u0430 U+0430">\u0430 U+0430</mark>ypal \u0430\u0431\u0432',
  );
  assert.equal(shownHtml('a\u200b\u200b\u200bb'), 'a<mark title="U+200B × 3">U+200B × 3</mark>b');
});

test('plain text is only escaped', () => {
  assert.equal(
    shownHtml('{\n  "a": "<b> é ü 你好 नमस्ते & \'x\'"\n}'),
    '{\n  &#34;a&#34;: &#34;&#60;b&#62; é ü 你好 नमस्ते &#38; &#39;x&#39;&#34;\n}',
  );
});

test('the worst text takes a moment, and what has too many marks is not drawn', () => {
  const texts = ['\u200b', 'a', 'a\u0430', '\u200b\u200c', '<', 'x ', '\u{e0041}'].map((unit) =>
    unit.repeat(262_144 / unit.length),
  );
  for (const text of texts) {
    const began = cpuMs();
    const html = shownHtml(text);
    assert.ok(cpuMs() - began < 500, JSON.stringify(text.slice(0, 4)));
    assert.ok(html === undefined || html.length < 2_000_000);
  }
  assert.equal(shownHtml('a\u0430'.repeat(maxMarks + 1)), undefined);
  assert.notEqual(shownHtml('a\u0430'.repeat(maxMarks - 1)), undefined);
});
