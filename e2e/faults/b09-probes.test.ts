/** Probes of several servers do not end each other's processes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixtureCommand, gatewayFile, openSettings, startGateway } from '../harness.ts';
import { runToEnd } from '../process.ts';

test('B9: server probe of several stdio servers reaches each of them', async () => {
  const servers = Object.fromEntries(
    ['one', 'two', 'three'].map((name) => [name, { command: fixtureCommand('dual') }]),
  );
  await using gateway = await startGateway(openSettings('bot', servers));
  const { code, stdout } = await runToEnd({
    command: [process.execPath, gatewayFile, 'server', 'probe', '--config', gateway.config],
  });
  assert.equal(code, 0, stdout);
  assert.equal(stdout.match(/ok {6}handshake/g)?.length, 3, stdout);
});
