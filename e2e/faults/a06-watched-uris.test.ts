/** What is watched was let pass by the guardrails of an earlier revision: those of now look at it again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSettings, startGateway } from '../harness.ts';
import { listen, startSession } from './events.ts';
import { PushingServer } from './pushing.ts';
import { reload } from './reload.ts';

// Put together here, so that no scanner of repositories takes it for a real one.
const secret = ['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_');
const plain = 'doc:plain';
const telling = `doc:telling?${secret}`;

test('A6: a reload gives up what is watched under a URI that new guardrails block', async (t) => {
  await using server = await new PushingServer().listen();
  await using gateway = await startGateway(openSettings('client', { pushing: { url: server.url } }));
  const url = gateway.endpoint('pushing');
  const given = (): readonly (string | undefined)[] =>
    server.calls('resources/unsubscribe').map(({ params }) => params?.uri);
  const taken = (): readonly (string | undefined)[] =>
    server.calls('resources/subscribe').map(({ params }) => params?.uri);

  await t.test('by a stream', async () => {
    const stream = await listen(url, undefined, { resourceSubscriptions: [plain, telling] });
    await server.until(() => taken().includes(telling));
    await block(true);
    await server.until(() => given().length > 0);
    assert.deepEqual(given(), [telling]);
    stream[Symbol.dispose]();
    await server.until(() => given().includes(plain));
    await block(false);
  });

  await t.test('by a session', async () => {
    server.received.length = 0;
    const session = await startSession(url, undefined);
    using _heard = session.events;
    for (const uri of [plain, telling])
      assert.match(await session.request('resources/subscribe', { uri }), /"result":\{\}/);
    await server.until(() => taken().includes(telling));
    await block(true);
    await server.until(() => given().length > 0);
    assert.deepEqual(given(), [telling]);
  });

  function block(secrets: boolean): Promise<void> {
    return reload(gateway, (settings) => {
      const [connection] = settings['connections'] as object[];
      settings['connections'] = [
        { ...connection, guardrails: secrets ? { request: { secrets: 'block' } } : undefined },
      ];
    });
  }
});
