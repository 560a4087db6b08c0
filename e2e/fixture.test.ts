/** The fixture itself, without a gateway: what these journeys cannot do directly, they cannot do through one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientKind, clientKinds, openSession } from './clients.ts';
import { type Era, fixtureCommand, startFixture } from './harness.ts';
import { makeJourney } from './journey.ts';
import { patienceMs } from './process.ts';

const speaks: Readonly<Record<ClientKind, readonly Era[]>> = {
  'sdk2-legacy': ['dual', 'legacy'],
  'sdk2-auto': ['dual', 'legacy', 'modern'],
  'sdk2-modern': ['dual', 'modern'],
  sdk1: ['dual', 'legacy'],
};

for (const era of ['dual', 'legacy', 'modern'] as const) {
  const kinds = clientKinds.filter((kind) => speaks[kind].includes(era));

  test(`the ${era} fixture over HTTP`, async (t) => {
    await using fixture = await startFixture(era);
    for (const kind of kinds)
      await t.test(kind, async (t) => {
        await using session = await openSession(kind, { url: fixture.url });
        await makeJourney(t, session);
      });
  });

  test(`the ${era} fixture over stdio`, async (t) => {
    for (const kind of kinds)
      await t.test(kind, async (t) => {
        await using session = await openSession(kind, { command: fixtureCommand(era) });
        await makeJourney(t, session);
      });
  });
}

test('numbers arrive as they were written', async () => {
  await using fixture = await startFixture('modern');
  const text = await echoed(fixture.url, '{"big":12345678901234567890,"one":1.0,"tiny":1e-400}');
  assert.equal(text, '{"big":12345678901234567890,"one":1.0,"tiny":1e-400}');
});

/** No client of JavaScript can send such numbers, so the message is written by hand. */
async function echoed(url: string, args: string): Promise<string> {
  const meta =
    '{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';
  const answer = await fetch(url, {
    method: 'POST',
    signal: AbortSignal.timeout(patienceMs),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo_arguments',
    },
    body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo_arguments","arguments":${args},"_meta":${meta}}}`,
  });
  const message = (await answer.json()) as {
    readonly result: { readonly content: readonly { readonly text: string }[] };
  };
  return message.result.content[0]?.text ?? '';
}
