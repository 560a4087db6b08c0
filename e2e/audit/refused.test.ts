/** Calls that end before a server is asked: what the record of each says, and that the client is told nothing of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import type { Settings } from '../harness.ts';
import { filesWith, startWorld, type World } from './world.ts';

interface Found {
  readonly reason?: string;
  readonly server?: string;
  readonly connections?: readonly string[];
  readonly tier?: string;
  readonly capture?: string;
  readonly capability?: { readonly type: string; readonly name?: string };
  readonly decision?: {
    readonly effect: string;
    readonly reason: string;
    readonly connection?: string;
    readonly place?: string;
  };
  readonly plaintext?: {
    readonly about?: { readonly asked?: string; readonly uri?: string; readonly rule?: string };
    readonly arguments?: string;
  };
}

async function search({ sallyport }: World, ...args: readonly string[]): Promise<Found[]> {
  const { code, stdout, stderr } = await sallyport('audit', 'search', ...args, '--json');
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { records: Found[] }).records;
}

/** The answer without the name that was asked for. */
function blank({ status, body }: RawAnswer, name: string): string {
  return `${status} ${body.replaceAll(name, 'X')}`;
}

const world = (settings: Settings = {}) =>
  startWorld({
    ...settings,
    audit: { capture: { read: 'digest' } },
    connections: [
      {
        name: 'notes',
        from: { user: ['dana'] },
        to: 'notes',
        tools: [{ allow: ['take', 'absent'] }, { deny: 'write' }],
        resources: [{ deny: 'notes://secret/**' }],
      },
      { name: 'everything', from: { user: ['eve'] }, to: 'notes', tools: [{ allow: '*' }, { deny: 'wr*' }] },
    ],
  });

let here: World;
before(async () => {
  here = await world();
});
after(() => here[Symbol.asyncDispose]());

test('a tool that a rule denies is found by decision, capability and server, and looks unknown to the client', async () => {
  const { dana, eve } = here.keys;
  const nowhere = await here.call(dana, 'nowhere', { note: 'x' });
  // The first call of all: the name is known from the rule, before any list was read.
  const denied = await here.call(dana, 'write', { note: 'x' });
  assert.equal(blank(denied, 'write'), blank(nowhere, 'nowhere'));
  assert.deepEqual(here.witness.calls(), []);

  const [byRule, ...others] = await search(here, '--decision', 'deny', '--capability', 'write', '--server', 'notes');
  assert.deepEqual(others, []);
  assert.deepEqual(byRule?.capability, { name: 'write', type: 'tool' });
  assert.deepEqual([byRule?.tier, byRule?.capture, byRule?.connections], ['write', 'full', ['notes']]);
  assert.deepEqual([byRule?.decision?.effect, byRule?.decision?.reason], ['deny', 'rule']);
  assert.equal(byRule?.decision?.connection, 'notes');
  const which = ['--caller', 'user:dana', '--server', 'notes', '--tool', 'write'];
  const explained = await here.sallyport('explain', ...which, '--json');
  assert.match(explained.stdout, new RegExp(`"place": "${byRule?.decision?.place}"`));
  assert.equal(byRule?.plaintext?.arguments, '{"note":"x"}');
  assert.equal((await search(here, '--rule', byRule?.decision?.place ?? '')).length, 1);

  // No rule: the same, without a place. What is in no list is the client's own text, and private.
  const unknown = (await search(here, '--reason', 'capability-unknown')).filter(({ capability }) => !capability);
  assert.equal(unknown.length, 1);
  assert.deepEqual(unknown[0]?.decision, { effect: 'deny', reason: 'no-rule' });
  assert.equal(unknown[0]?.server, 'notes');
  assert.equal(unknown[0]?.plaintext?.about?.asked, 'nowhere');
  assert.deepEqual(filesWith(join(here.gateway.folder, 'data'), 'nowhere'), []);

  // A pattern names nothing; the list does, once it was read. Captured as a digest, the name is there all the same.
  await here.call(eve, 'take', { note: 'reads the list' });
  await here.call(eve, 'write');
  await here.call(dana, 'hidden', { note: 'kept as a digest' });
  const [byPattern] = await search(here, '--caller', 'user:eve', '--capability', 'write');
  assert.match(byPattern?.plaintext?.about?.rule ?? '', /^deny wr\*/);
  const [byNothing] = await search(here, '--capability', 'hidden');
  assert.deepEqual(
    [byNothing?.capture, byNothing?.tier, byNothing?.plaintext?.arguments],
    ['digest', 'read', undefined],
  );
  assert.deepEqual(byNothing?.decision, { effect: 'deny', reason: 'no-rule' });
  const exported = await here.sallyport('audit', 'export', '--format', 'ocsf', '--decision', 'deny');
  assert.match(exported.stdout, /"operation":"hidden","service":\{"name":"notes"\}/);

  // What the rules allow and the server does not have is no denial.
  await here.call(dana, 'absent');
  const [absent] = await search(here, '--capability', 'absent');
  assert.deepEqual([absent?.reason, absent?.server, absent?.decision], ['capability-unknown', 'notes', undefined]);
});

test('the portal and resources say as much', async () => {
  const send = (method: string, name: string, body: string) =>
    sendRaw({
      url: `${here.gateway.mcp}/mcp`,
      headers: [...modernHeaders(method, name), ['Authorization', `Bearer ${here.keys.dana}`]],
      body,
    });
  await send('tools/call', 'notes__write', modernCall('notes__write'));
  const read = modernCall('x').replace('tools/call', 'resources/read');
  const uri = 'notes://secret/4711';
  const message = JSON.parse(read) as { params: Record<string, unknown> };
  const { arguments: _arguments, name: _name, ...params } = message.params;
  await send('resources/read', uri, JSON.stringify({ ...message, params: { ...params, uri } }));
  const [aliased] = await search(here, '--capability', 'write', '--decision', 'deny');
  assert.deepEqual([aliased?.server, aliased?.decision?.reason], ['notes', 'rule']);
  const [resource] = await search(here, '--capability', 'resource', '--decision', 'deny', '--server', 'notes');
  assert.deepEqual([resource?.tier, resource?.plaintext?.about?.uri], ['read', uri]);
  assert.match(resource?.plaintext?.about?.rule ?? '', /^deny notes:/);
  assert.deepEqual(filesWith(join(here.gateway.folder, 'data'), 'secret/4711'), []);
});

test('a call for which there is no place says where it would have led', async () => {
  await using here = await world({ bounds: { concurrency: 1 } });
  const { dana } = here.keys;
  await here.call(dana, 'take');
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<() => void>();
  here.witness.answer('take', (response, { message }) =>
    arrive(() => response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { content: [] } }))),
  );
  const first = here.call(dana, 'take');
  const release = await arrived;
  assert.match((await here.call(dana, 'write')).body, /under way/);
  assert.match((await here.call(dana, 'nowhere')).body, /under way/);
  release();
  await first;
  const refused = await search(here, '--reason', 'too-many-requests', '--server', 'notes');
  assert.deepEqual(
    refused.map(({ capability, tier, decision, plaintext }) => [
      capability?.name,
      tier,
      decision,
      plaintext?.about?.asked,
    ]),
    [
      [undefined, 'read', undefined, 'nowhere'],
      ['write', 'write', undefined, undefined],
    ],
  );
});
