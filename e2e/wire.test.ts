/** Habits of the wire that specifications ask for and no attack needs: late responses, and streams that stay open. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { listen, startSession } from './faults/events.ts';
import { programWith } from './faults/program-with.ts';
import { PushingServer } from './faults/pushing.ts';
import { type Gateway, openSettings, startGateway } from './harness.ts';

/** Answers the first call beside each later one. */
const onCall = `
  const say = (of, text) => send({ id: of, result: { content: [{ type: 'text', text }] } });
  globalThis.calls ??= [];
  calls.push(id);
  if (calls.length > 1) {
    say(calls[0], 'the late answer');
    say(id, 'its own answer');
    say(calls[0], 'the late answer again');
  }`;

let pushing: PushingServer;
let gateway: Gateway;

before(async () => {
  pushing = await new PushingServer().listen();
  gateway = await startGateway({
    ...openSettings('client', {
      late: {
        command: [process.execPath, '-e', programWith('open', onCall)],
        era: 'legacy',
        timeouts: { total: '500ms' },
      },
      pushing: { url: pushing.url },
    }),
    bounds: { keepAlive: '1s' },
  });
});
after(async () => {
  await gateway.stop();
  await pushing[Symbol.asyncDispose]();
});

test('P20: a response that comes after its call was given up reaches no other call', async () => {
  const call = () =>
    sendRaw({
      url: gateway.endpoint('late'),
      headers: modernHeaders('tools/call', 'open'),
      body: modernCall('open'),
    });
  assert.doesNotMatch((await call()).body, /answer"/);
  for (let again = 0; again < 3; again++) {
    const { body } = await call();
    assert.match(body, /its own answer/);
    assert.doesNotMatch(body, /the late answer/);
  }
});

test('G27: a stream tells proxies not to buffer it, and is kept alive by comments', async () => {
  const url = gateway.endpoint('pushing');
  using modern = await listen(url, undefined, { toolsListChanged: true });
  const { events: legacy } = await startSession(url, undefined);
  using _legacy = legacy;
  for (const stream of [modern, legacy]) {
    assert.equal(stream.headers['x-accel-buffering'], 'no');
    await stream.until((text) => /^:/m.test(text));
  }
});
