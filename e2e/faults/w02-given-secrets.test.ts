/** What a server was given for one caller reaches no client: neither another caller, nor after a reload, nor spelled otherwise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { legacyHeaders, meta, modernHeaders } from '../attacks/raw.ts';
import { sendJson } from '../attacks/witness.ts';
import { type Exchanging, saying, startExchanging, type User } from './exchanging.ts';
import { reload } from './reload.ts';

/** Of characters that URLs and JSON texts spell otherwise. */
const tokenOf = (user: User): string => `${user}-"token"/+with\\signs`;
const first = 'first-"quoted"/header';

const spellings: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  'URL-encoded': encodeURIComponent,
  'JSON-escaped': (secret) => JSON.stringify({ secret }),
};

/** Has a server answer eve with this in every place of an answer, and returns what reaches her. */
async function answers(world: Exchanging, text: string): Promise<readonly string[]> {
  const { witness } = world;
  const came: string[] = [];
  witness.answer('open', saying(`said ${text}.`, { structuredContent: { [`key ${text}`]: [text] } }));
  came.push((await world.call('eve')).body);
  witness.answer('open', (response, { message }) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id: message.id,
      error: { code: -32_000, message: `said ${text}.`, data: { [text]: text } },
    }),
  );
  came.push((await world.call('eve')).body);
  return came;
}

async function neverReads(world: Exchanging, secret: string, when: string): Promise<void> {
  for (const [name, spell] of Object.entries(spellings))
    for (const body of await answers(world, spell(secret))) {
      // As eve would read it: without the escapes of the answer that it stands in.
      assert.match(body, /\(hidden\)/, `${when}, ${name}: ${body}`);
      const [middle = ''] = /with|quoted/.exec(secret) ?? [];
      assert.ok(middle !== '' && !body.includes(middle), `${when}, ${name}: ${body}`);
    }
}

test('W2: a token that was presented for one caller is hidden from another, in every spelling and after a reload', async () => {
  await using world = await startExchanging(tokenOf, { headers: { 'x-key': '${env:FIRST}' } });
  await world.call('dana');
  const given = world.given();
  assert.equal(given, tokenOf('dana'));
  await neverReads(world, given, 'the token of dana');
  await neverReads(world, first, 'a header');
  await reload(world.gateway, (file) => {
    const { notes } = file.servers as { notes: object };
    file.servers = { notes: { ...notes, headers: { 'x-key': '${env:SECOND}' } } };
  });
  await neverReads(world, given, 'the token of dana after a reload');
  await neverReads(world, first, 'the header that was configured before');
  await neverReads(world, 'second-"quoted"/header', 'the header of now');
});

test('W3: an input request shows no secret, neither in a name of its form nor in the key that it is under', async () => {
  await using world = await startExchanging(tokenOf);
  await world.call('dana');
  const given = world.given();
  const ask = async (key: string, property: string) => {
    const form = { type: 'object', properties: { [property]: { type: 'string', description: given } } };
    const params = { mode: 'form', message: `for ${given}`, requestedSchema: form };
    world.witness.answer('open', (response, { message }) =>
      sendJson(response, {
        jsonrpc: '2.0',
        id: message.id,
        result: {
          resultType: 'input_required',
          inputRequests: { [key]: { method: 'elicitation/create', params } },
          requestState: 'state',
        },
      }),
    );
    return (await world.call('eve')).body;
  };
  const named = await ask('name', `field ${given}`);
  assert.match(named, /input_required.*field \(hidden\)/);
  assert.doesNotMatch(named, /signs/);
  // The key has to come back as the server wrote it, so that the request cannot be passed on with another one.
  const keyed = await ask(`key ${given}`, 'name');
  assert.doesNotMatch(keyed, /input_required|signs/);
  assert.match(keyed, /"isError":true|"error"/);
  assert.match(await ask('name', 'plain'), /input_required/);
});

test('W4: instructions that are cut show no part of a secret at the place of the cut', async () => {
  const token = 'instructions-token-0123456789';
  const clients = [
    {
      headers: modernHeaders('server/discover'),
      body: { jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta: meta } },
    },
    {
      headers: legacyHeaders,
      body: {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
      },
    },
  ];
  // In the middle of the token, right before its last character, and of so many that little is left of them once hidden.
  const many = 'many-'.repeat(800);
  const cuts = [10, token.length - 1].map((shown) => ({
    given: token,
    instructions: `${'i'.repeat(16_384 - shown)}${token}${'z'.repeat(100_000)}`,
    shows: /^i{16000,}\(hidden/,
  }));
  for (const { given, instructions, shows } of [
    ...cuts,
    { given: many, instructions: many.repeat(30), shows: /^\(hidden\)/ },
  ]) {
    await using world = await startExchanging(() => given, {}, { instructions });
    for (const { headers, body } of clients) {
      const answer = await world.send('dana', headers, body);
      const cut = String(answer.json?.result?.instructions);
      assert.match(cut, shows, answer.body.slice(0, 500));
      assert.ok(cut.length <= 16_384);
      assert.doesNotMatch(answer.body, /instr.{0,3}ctions-|iins|many-/);
    }
  }
});
