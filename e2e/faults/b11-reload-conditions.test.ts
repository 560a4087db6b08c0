/** B11: conditions are compared with the schemas of tools whenever either of them changes. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openSettings } from '../harness.ts';
import { startTools, toolOf } from './tool-calls.ts';

test('B11: a condition that comes with a reload is compared with the tools that are known', async () => {
  await using world = await startTools([toolOf('x', { type: 'integer' })]);
  const { gateway, witness } = world;
  assert.equal(await world.refused('x', { a: 1 }), undefined);
  const settings = openSettings('client', { witness: { url: witness.url } });
  const connections = (when: string) => [
    { name: 'conditions', from: { agent: 'client' }, to: 'witness', tools: [{ allow: 'x', when }] },
  ];
  const listen = { mcp: { port: 0 }, admin: { port: 0 } };
  await writeFile(
    gateway.config,
    JSON.stringify({
      version: 1,
      data: `${gateway.folder}/data`,
      listen,
      ...settings,
      connections: connections('args.b == 1'),
    }),
  );
  gateway.child.kill('SIGHUP');
  await gateway.until(() => gateway.errors().includes('the tool has no argument \\"b\\"'));
});
