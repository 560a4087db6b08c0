/** A list that its server changes while the gateway compiles it is read again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { openSettings, startGateway } from '../harness.ts';
import { PushingServer } from './pushing.ts';

/** Many enough for compiling to take several turns of the loop. */
const early = Array.from({ length: 1_500 }, (_, at) => `early-${at}`);

/** Announces a change right behind its answer to a list, as often as the test says. */
class ChangingServer extends PushingServer {
  changes = 0;

  protected override listed(): void {
    if (this.changes === 0) return;
    this.changes -= 1;
    this.tools = [...early, 'late'];
    this.push('notifications/tools/list_changed');
  }
}

test('W8: a change that is announced while a list is compiled is not lost', async () => {
  await using server = await new ChangingServer().listen();
  server.tools = early;
  await using gateway = await startGateway(openSettings('client', { pushing: { url: server.url } }));
  const list = async (): Promise<string> => {
    const { body } = await sendRaw({
      url: gateway.endpoint('pushing'),
      headers: modernHeaders('tools/list'),
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
      within: 30_000,
    });
    return body;
  };
  // The channel for notifications is open before the list is read whose change is announced.
  await sendRaw({
    url: gateway.endpoint('pushing'),
    headers: modernHeaders('server/discover'),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta: meta } }),
  });
  await server.until(() => server.streams >= 1);
  server.changes = 1;
  assert.match(await list(), /early-1499/);
  assert.equal(server.changes, 0);
  // What was announced is known by the next list, or by one soon after; a lost change stays lost for half a minute.
  const deadline = Date.now() + 20_000;
  while (!(await list()).includes('"late"')) {
    assert.ok(Date.now() < deadline, 'the change is lost');
    await pause(50);
  }
});
