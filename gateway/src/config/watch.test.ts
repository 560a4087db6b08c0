import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LoadResult } from './revision.ts';
import { watchConfiguration } from './watch.ts';

test('a change is loaded, a broken file is reported, and a replaced secret counts as a change', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'));
  const file = join(folder, 'sallyport.yaml');
  const write = (text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  writeFileSync(join(folder, 'token'), 'first\n');
  write('version: 1\n');
  const results: LoadResult[] = [];
  let arrived = Promise.withResolvers<LoadResult>();
  const watch = await watchConfiguration(
    { path: file, env: {} },
    (result) => {
      results.push(result);
      arrived.resolve(result);
      arrived = Promise.withResolvers();
    },
    { settle: 5, poll: 20 },
  );
  t.after(() => {
    watch.close();
    rmSync(folder, { recursive: true });
  });
  const keepAlive = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(keepAlive));

  let next = arrived.promise;
  write('version: 1\nservers: { a: { url: "http://127.0.0.1:1", credential: { bearer: "${file:token}" } } }\n');
  const loaded = await next;
  assert.ok(loaded.ok && 'a' in loaded.revision.configuration.servers);

  next = arrived.promise;
  writeFileSync(join(folder, 'token'), 'second one\n');
  const rotated = await next;
  assert.ok(rotated.ok);
  const server = rotated.revision.configuration.servers['a'];
  assert.ok(server !== undefined && 'url' in server && server.credential?.bearer === 'second one');
  assert.equal(rotated.revision.digest, loaded.revision.digest, 'the digest knows the reference, not the secret');

  next = arrived.promise;
  write('version: 1\nserver: {}\n');
  const broken = await next;
  assert.ok(!broken.ok && broken.diagnostics[0]?.remedy === 'Did you mean "servers"?');

  const again = await watch.reload();
  assert.ok(!again.ok);
  assert.equal(results.at(-1), again);
});

test('a change between the first load and the watch is loaded', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'));
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(file, 'version: 1\n');
  const since = Date.now();
  const loaded = { files: [], secretFiles: [] };
  // Later than the clock of the file system, which may be some milliseconds behind.
  while (Date.now() < since + 20);
  writeFileSync(file, 'version: 1\nservers: { a: { url: "http://127.0.0.1:1" } }\n');
  const { promise, resolve } = Promise.withResolvers<LoadResult>();
  const watch = await watchConfiguration({ path: file, env: {} }, resolve, {
    poll: 3_600_000,
    settle: 3_600_000,
    loaded,
    since,
  });
  t.after(() => {
    watch.close();
    rmSync(folder, { recursive: true });
  });
  const keepAlive = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(keepAlive));
  const result = await promise;
  assert.ok(result.ok && 'a' in result.revision.configuration.servers);
});
