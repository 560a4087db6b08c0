/** An export shows calls and their callers; arguments and results only on request, and the log says which. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWorld } from '../audit/world.ts';

test('D3: exports hide arguments and results unless --disclose names them, and are a record', async () => {
  await using world = await startWorld();
  const { sallyport, keys } = world;
  assert.equal((await world.call(keys.dana, 'take', { note: 'a private note' })).status, 200);
  for (const format of ['ndjson', 'ocsf', 'cef']) {
    const { code, stdout, stderr } = await sallyport('audit', 'export', '--format', format);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /dana/);
    assert.doesNotMatch(stdout, /private note|witness was called/, format);
  }
  const shown = await sallyport('audit', 'export', '--disclose', 'arguments', '--method', 'tools/call');
  assert.match(shown.stdout, /private note/);
  assert.doesNotMatch(shown.stdout, /witness was called/);
  const { records } = JSON.parse((await sallyport('audit', 'search', '--kind', 'export', '--json')).stdout) as {
    records: readonly { detail: { format: string; disclosed: string; records: number } }[];
  };
  assert.deepEqual(
    records.map(({ detail }) => `${detail.format} ${detail.disclosed}`),
    ['ndjson arguments', 'cef ', 'ocsf ', 'ndjson '],
  );
  assert.equal(records[0]?.detail.records, 1);
  assert.equal((await sallyport('audit', 'verify')).code, 0);
});
