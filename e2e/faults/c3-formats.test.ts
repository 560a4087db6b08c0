/** C3: `format` says what a text is meant to be; a server that wants more checks it itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTools, toolOf } from './tool-calls.ts';

const texts: Readonly<Record<string, string>> = {
  'date-time': '2026-11-28T18:00:00',
  time: '18:00',
  uuid: '0f0e0d0c0b0a09080706050403020100',
  uri: 'https://bücher.example/ä',
  email: 'dana@localhost.',
};
const tools = Object.keys(texts).map((format) => toolOf(format, { type: 'string', format }));

test('C3: a text that does not meet the format reaches the server, unless the operator asks for it', async () => {
  await using plain = await startTools(tools);
  await using strict = await startTools(tools, {}, { formats: 'assert' });
  for (const [format, a] of Object.entries(texts)) {
    assert.equal(await plain.refused(format, { a }), undefined, format);
    if (format !== 'email') assert.match((await strict.refused(format, { a })) ?? '', /must match format/, format);
  }
  assert.match((await plain.refused('uuid', { a: 1 })) ?? '', /must be string/);
  assert.equal(await strict.refused('date-time', { a: '2026-11-28T18:00:00Z' }), undefined);
});
