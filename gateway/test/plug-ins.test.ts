/**
 * A plug-in is one folder and one line in a list. Each kind of plug-in has a toy in `toys/`, which is added to the list of
 * those that ship, and must show in the schema of the configuration and in what is done with a request.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { credentialSections } from '../src/config/schema/credentials.ts';
import { configuration } from '../src/config/schema/index.ts';
import { boundsOf, plugInKeys } from '../src/config/schema/plug-in.ts';
import { egressGuard } from '../src/egress/guard.ts';
import { makeAuthentication } from '../src/stages/authenticate/index.ts';
import { authenticators } from '../src/stages/authenticate/list.ts';
import { limits } from '../src/stages/limits/list.ts';
import { ServerCredentials } from '../src/upstreams/credentials/index.ts';
import { credentialKinds } from '../src/upstreams/credentials/kinds.ts';
import { callerOf } from './support/policy.ts';
import { result, roadOf } from './support/road.ts';
import { toyAuthenticator } from './toys/authenticator.ts';
import { toyCredential } from './toys/credential.ts';
import { toyInspector } from './toys/inspector.ts';
import { settled, toyLimit } from './toys/limit.ts';

const everything = '- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*" }] }';
const keysThatStand = { check: () => ({ ok: false, reason: 'unknown' }), valid: () => undefined } as never;

test('a toy credential stands in the schema and is presented to the server', async () => {
  const kinds = [...credentialKinds, toyCredential] as const;
  const { credential } = credentialSections(kinds);
  assert.match(JSON.stringify(z.toJSONSchema(credential, { io: 'input' })), /A word in a header/);
  assert.match(credential.safeParse({ toy: { word: '' } }).error?.message ?? '', /word/);
  assert.match(
    credential.safeParse({ toy: { word: 'x' }, bearer: '${env:X}' }).error?.message ?? '',
    /exactly one of.*toy/,
  );
  const section = credential.parse({ toy: { word: 'hello' } });
  const parsed = configuration.parse({ version: 1, servers: { s: { url: 'http://127.0.0.1:1/mcp' } } });
  const server = parsed.servers['s'];
  assert.ok(server !== undefined && 'url' in server);
  const credentials = new ServerCredentials(
    { ...server, credential: section },
    {
      name: 's',
      kinds,
      guard: egressGuard([]),
      fetch: () => Promise.reject(new Error('nothing is fetched')),
    },
  );
  const made = credentials.session(undefined).credential;
  assert.deepEqual(await made?.ready(), { ok: true, headers: { 'x-toy': 'hello' } });
  assert.deepEqual(made?.secrets(), ['hello']);
});

test('a toy authenticator has its key in the schema and makes callers', async () => {
  const list = [...authenticators, toyAuthenticator] as const;
  const authentication = z.strictObject(plugInKeys(list));
  assert.equal(authentication.safeParse({ toy: { word: 'x' } }).success, false);
  const toy = authentication.parse({ toy: { word: 'hello', agent: 'a' } });
  assert.deepEqual(toyAuthenticator.callers?.(toy.toy), [{ path: [], caller: { agent: 'a' } }]);
  const parsed = configuration.parse({ version: 1, callers: { agents: { a: {} } } });
  const whole = { ...parsed, authentication: { ...parsed.authentication, ...toy } };
  const { authenticate } = makeAuthentication({ configuration: whole, keys: keysThatStand }, list);
  const known = await authenticate({ transport: 'http', headers: { 'x-toy': 'hello' } });
  assert.equal(known.ok && known.value.agent, 'a');
  const unknown = await authenticate({ transport: 'http', headers: { 'x-toy': 'other' } });
  assert.equal(!unknown.ok && unknown.refusal.reason, 'credentials-missing');
});

test('a toy limit has its key under bounds, refuses, and is settled by the record', async () => {
  const list = [...limits, toyLimit] as const;
  const bounds = z.strictObject(boundsOf(list));
  assert.deepEqual(bounds.parse({}), { concurrency: 256, streams: 64, refusals: 100, toys: 1 });
  const road = await roadOf(everything, { limits: list, server: { answer: () => result({ content: [] }) } });
  const replies = [await road.send({}), await road.send({})].map(({ reply }) => reply);
  assert.deepEqual(
    replies.map((reply) => (reply.kind === 'refused' ? reply.refusal.reason : 'answered')),
    ['answered', 'too-many-requests'],
  );
  assert.equal(road.calls.length, 1);
  assert.equal(settled.length, 1);
  assert.deepEqual(
    (settled as { outcome: string; cost: number }[]).map(({ outcome, cost }) => [outcome, cost]),
    [['answered', 0]],
  );
  const admitted = await roadOf(everything, { limits: [toyLimit, ...limits] });
  const [first] = [await admitted.send({ caller: callerOf({ agent: 'b' }) })];
  assert.equal(first.reply.kind, 'refused', 'a lease is given back where no connection leads');
  assert.equal(settled.length, 2);
});

test('a toy inspector changes what is sent, and what is answered', async () => {
  const road = await roadOf(everything, {
    inspectors: [toyInspector],
    server: { answer: () => result({ content: [] }) },
  });
  const { reply } = await road.send({ params: { name: 'echo', arguments: { text: 'mine' } } });
  assert.deepEqual(road.calls[0]?.params['arguments'], { text: 'inbound' });
  assert.match(JSON.stringify(reply), /"toy\\?":\\?"outbound/);
});
