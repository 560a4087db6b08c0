/** The user that a call is made for decides about it on a page, to which its client leads it in its own way. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, StreamableHTTPClientTransport, UrlElicitationRequiredError } from '@modelcontextprotocol/client';
import { sendJson, startWitness } from '../attacks/witness.ts';
import { Browser } from '../browser.ts';
import { openSession } from '../clients.ts';
import { startGateway } from '../harness.ts';
import { startWorld, type World } from './world.ts';

type Mode = 'legacy' | { readonly pin: '2026-07-28' };

interface Asked extends AsyncDisposable {
  readonly client: Client;
  /** Ids of pages that are of no more use, as they are told. */
  readonly complete: Promise<string>;
  readonly echo: (message: string) => Promise<{ readonly text: string; readonly isError: boolean }>;
}

/** A client that opens pages: `person` does what its person does there, and `form` is what it says to a form. */
async function openAsked(
  world: Pick<World, 'gateway'>,
  mode: Mode,
  person: (url: string) => Promise<void>,
  form: () => Record<string, string> = () => assert.fail('there is no form'),
): Promise<Asked> {
  const client = new Client(
    { name: 'asked', version: '1' },
    { capabilities: { elicitation: { url: {}, form: {} } }, versionNegotiation: { mode } },
  );
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    if (params.mode !== 'url') return { action: 'accept', content: form() };
    await person(params.url);
    return { action: 'accept' };
  });
  const { promise: complete, resolve } = Promise.withResolvers<string>();
  client.setNotificationHandler('notifications/elicitation/complete', ({ params }) => resolve(params.elicitationId));
  const key = world.gateway.key({ user: 'dana', agent: 'asker' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(world.gateway.endpoint('things')), {
      requestInit: { headers: { Authorization: `Bearer ${key}` } },
    }),
  );
  return {
    client,
    complete,
    async echo(message) {
      const result = await client.callTool({ name: 'echo', arguments: { message } });
      return { text: JSON.stringify(result.content), isError: result.isError === true };
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** What a person does on the page with its own key. */
async function decideOn(
  world: Pick<World, 'gateway'>,
  url: string,
  verdict: 'approve' | 'reject',
  user = 'dana',
): Promise<string> {
  const browser = new Browser();
  const asked = await browser.open(url);
  const key = world.gateway.key({ user });
  const shown = await browser.follow(await browser.submit(asked, '/key', { key }));
  if (!shown.body.includes(`/${verdict}"`)) return shown.body;
  return (await browser.follow(await browser.submit(shown, `/${verdict}`, { reason: 'mine' }))).body;
}

const own = { by: 'requester' };
const users = { callers: { users: { dana: {}, eve: {} }, agents: { asker: {} } } };

/** Of the tests in which no call waits. */
let shared: World;
before(async () => {
  shared = await startWorld(own, users);
});
after(() => shared[Symbol.asyncDispose]());

test('a modern client leads its person to the page, and the same call goes on', async () => {
  const birds = { words: ['osprey'], action: 'warn' };
  await using world = await startWorld(own, {
    ...users,
    approvals: { wait: '20s' },
    guardrails: { house: { patterns: { birds } } },
    inspection: { guardrails: { request: 'house' } },
  });
  const seen: string[] = [];
  await using asked = await openAsked(world, { pin: '2026-07-28' }, async (url) => {
    seen.push(await decideOn(world, url, 'approve'));
  });
  const made = await asked.echo('for <dana>\u200b, an osprey');
  assert.equal(made.isError, false, made.text);
  assert.match(made.text, /for <dana>/);
  assert.match(seen[0] ?? '', /user:dana/);
  assert.match(seen[0] ?? '', /<li>words\/house\.birds at \/message in the arguments: warn \(house\)<\/li>/);
  await using rejecting = await openAsked(world, { pin: '2026-07-28' }, async (url) => {
    seen.push(await decideOn(world, url, 'reject'));
  });
  const refused = await rejecting.echo('again');
  assert.equal(refused.isError, true);
  assert.match(refused.text, /rejected this call.*mine/);
});

test('a legacy client gets the error with the page, is told when it is decided, and calls again', async () => {
  await using asked = await openAsked(shared, 'legacy', () => assert.fail('not asked during a call'));
  const error: unknown = await asked.echo('legacy').catch((thrown: unknown) => thrown);
  assert.ok(error instanceof UrlElicitationRequiredError, String(error));
  const [elicitation] = error.elicitations;
  assert.match(elicitation?.message ?? '', /waits for your approval/);
  await decideOn(shared, elicitation?.url ?? '', 'approve');
  assert.equal(await asked.complete, elicitation?.elicitationId);
  assert.equal((await asked.echo('legacy')).isError, false);
});

test('other clients are told the page; another user, and who may not decide, decide nothing there', async () => {
  const { text } = await shared.session.call('echo', { message: 'plain' });
  const url = /decides at (\S+\/approve\/[\w-]+)/.exec(text)?.[1] ?? assert.fail(text);
  assert.match(await decideOn(shared, url, 'approve', 'eve'), /belongs to another user/);
  const damaged = await new Browser().open(`${url.slice(0, -1)}${url.endsWith('A') ? 'B' : 'A'}`);
  assert.equal(damaged.status, 404);
  // A key of an agent proves no person, even that of the same user.
  const browser = new Browser();
  const page = await browser.open(url);
  const refused = await browser.submit(page, '/key', { key: shared.gateway.key({ user: 'dana', agent: 'asker' }) });
  assert.equal(refused.status, 403);
  assert.match((await shared.session.call('echo', { message: 'plain' })).text, /waits for the approval/);
  const shown = await decideOn(shared, url, 'approve');
  assert.match(shown, /approved/);
  assert.doesNotMatch(shown, /Approve this call/);
  assert.equal((await shared.session.call('echo', { message: 'plain' })).isError, false);
});

test('where others decide, the page shows how it stands, and has nothing to press', async () => {
  await using world = await startWorld({ by: { role: 'approver' } }, { ...users, approvals: { wait: '20s' } });
  await world.operator('erin');
  const token = await world.token('erin');
  await using asked = await openAsked(world, { pin: '2026-07-28' }, async (url) => {
    const shown = await decideOn(world, url, 'approve');
    assert.doesNotMatch(shown, /Approve this call/);
    const id = /ap_[a-z0-9]+/.exec((await world.sallyport('approval', 'list', '--json')).stdout)?.[0] ?? '';
    const answer = await fetch(`${world.base}/api/v1/approvals/${id}/approve`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(answer.status, 200);
  });
  assert.equal((await asked.echo('others')).isError, false);
  assert.doesNotMatch((await world.session.call('echo', { message: 'not told' })).text, /\/approve\//);
});

test('the key that made a call decides nothing about it', async () => {
  const key = shared.gateway.key({ user: 'dana' });
  await using client = await openSession('sdk2-legacy', {
    url: shared.gateway.endpoint('things'),
    headers: { Authorization: `Bearer ${key}` },
  });
  await client.tools();
  const { text } = await client.call('echo', { message: 'by itself' });
  const url = /decides at (\S+\/approve\/[\w-]+)/.exec(text)?.[1] ?? assert.fail(text);
  const browser = new Browser();
  const refused = await browser.submit(await browser.open(url), '/key', { key });
  assert.equal(refused.status, 403);
  assert.match(refused.body, /The call was made with this key/);
  assert.match((await client.call('echo', { message: 'by itself' })).text, /waits for the approval/);
});

test('a call that its server asks about and that is held goes on after each page with what was answered', async () => {
  await using server = await startWitness([{ name: 'ask' }]);
  const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } };
  const form = { method: 'elicitation/create', params: { mode: 'form', message: 'Who?', requestedSchema } };
  server.answer('ask', (response, { message }) => {
    const { inputResponses } = message.params as { readonly inputResponses?: object };
    const asks = { resultType: 'input_required', inputRequests: { form }, requestState: 'asked' };
    const result = inputResponses === undefined ? asks : { resultType: 'complete', content: [] };
    sendJson(response, { jsonrpc: '2.0', id: message.id, result });
  });
  await using gateway = await startGateway({
    ...users,
    approvals: { wait: '20s' },
    servers: { things: { url: server.url } },
    connections: [
      {
        name: 'c',
        from: { anyone: true },
        to: 'things',
        tools: [{ hold: 'ask', approval: own }],
        requests: { elicitation: 'allow' },
      },
    ],
  });
  const asked: string[] = [];
  const visit = async (url: string): Promise<void> => {
    asked.push('page');
    await decideOn({ gateway }, url, 'approve');
  };
  await using opened = await openAsked({ gateway }, { pin: '2026-07-28' }, visit, () => {
    asked.push('form');
    return { name: 'Dana' };
  });
  const { isError } = await opened.client.callTool({ name: 'ask', arguments: {} });
  assert.notEqual(isError, true);
  assert.deepEqual(asked, ['page', 'form', 'page']);
  const calls = server.calls().map(({ message }) => message.params);
  assert.deepEqual(
    calls.map(({ inputResponses, requestState }) => [inputResponses, requestState]),
    [
      [undefined, undefined],
      [{ form: { action: 'accept', content: { name: 'Dana' } } }, 'asked'],
    ],
  );
});
