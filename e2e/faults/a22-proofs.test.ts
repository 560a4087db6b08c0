/** The connect page: only a person proves a person, and only for as long as the credential of the proof stands. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { type Authorizing, startAuthorizing } from '../attacks/authorizing.ts';
import { startProtected } from '../attacks/protected.ts';
import { modernCallWith, pageIn, sendRaw } from '../attacks/raw.ts';
import { Browser } from '../browser.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';

interface Key {
  readonly id: string;
  readonly key: string;
}

interface World extends AsyncDisposable {
  readonly as: Authorizing;
  readonly gateway: Gateway;
  readonly presented: readonly (string | undefined)[];
  readonly sallyport: (...args: readonly string[]) => Promise<string>;
  readonly key: (...names: readonly string[]) => Promise<Key>;
  /** Resolves when the gateway knows, which it does within a quarter of a second. */
  readonly revoke: (key: Key) => Promise<void>;
  readonly pageFor: (key: string) => Promise<string>;
}

async function world(): Promise<World> {
  const as = await startAuthorizing();
  const server = await startProtected([{ name: 'open' }], [as.issuer]);
  const gateway = await startGateway({
    callers: { users: { dana: {} }, agents: { bot: {} }, applications: { desk: {} } },
    egress: { allow: [as.issuer] },
    servers: { notes: { url: server.url, credential: { authorizationCode: {} } } },
    connections: [{ name: 'all', from: { anyone: true }, to: 'notes', tools: [{ allow: '*' }] }],
  });
  const sallyport = async (...args: readonly string[]): Promise<string> => {
    const run = await runCommandHere(...args, '--config', gateway.config);
    assert.equal(run.code, 0, run.stderr);
    return run.stdout.trim();
  };
  return {
    as,
    gateway,
    presented: server.presented,
    sallyport,
    key: async (...names) => JSON.parse(await sallyport('key', 'create', ...names, '--json')) as Key,
    revoke: async ({ id, key }) => {
      await sallyport('key', 'revoke', id);
      const deadline = Date.now() + patienceMs;
      for (let status = 0; status !== 401; ) {
        assert.ok(Date.now() < deadline, 'the key still counts');
        ({ status } = await sendRaw(modernCallWith({ url: gateway.endpoint('notes'), key, tool: 'open' })));
      }
    },
    pageFor: async (key) => {
      const answer = await sendRaw(modernCallWith({ url: gateway.endpoint('notes'), key, tool: 'open' }));
      const page = pageIn(answer);
      assert.ok(page !== undefined, answer.body + gateway.errors());
      return page;
    },
    [Symbol.asyncDispose]: async () => {
      await gateway.stop();
      await server[Symbol.asyncDispose]();
      await as[Symbol.asyncDispose]();
    },
  };
}

let w: World;
before(async () => {
  w = await world();
});
after(() => w[Symbol.asyncDispose]());

test('A22: a key that an agent or an application holds proves nothing on the connect page of its user', async () => {
  const { key: own } = await w.key('--user', 'dana');
  for (const names of [
    ['--user', 'dana', '--agent', 'bot'],
    ['--user', 'dana', '--application', 'desk'],
    ['--user', 'dana', '--agent', 'bot', '--application', 'desk'],
    ['--agent', 'bot'],
  ]) {
    const { key } = await w.key(...names);
    const browser = new Browser();
    const page = await w.pageFor(own);
    const shown = await browser.follow(await browser.submit(await browser.open(page), '/key', { key }));
    assert.equal(shown.status, 403, names.join(' '));
    assert.doesNotMatch((await browser.open(page)).body, /\/agree"/);
  }
  assert.deepEqual(w.as.asked, [], 'no browser was sent to the authorization server');
  assert.deepEqual(w.as.redeemed, []);
  const log = await w.sallyport('audit', 'search', '--kind', 'account-refused', '--json');
  assert.match(log, /not a credential of a user alone/);
});

/** Proves dana with a key of her own, and stops before a step. */
const steps = {
  'the page is opened again': async (browser: Browser, page: string, revoke: () => Promise<unknown>) => {
    await revoke();
    const shown = await browser.open(page);
    assert.doesNotMatch(shown.body, /\/agree"/);
  },
  consent: async (browser: Browser, page: string, revoke: () => Promise<unknown>) => {
    const consent = await browser.open(page);
    await revoke();
    const shown = await browser.follow(await browser.submit(consent, '/agree'));
    assert.doesNotMatch(shown.body, /is connected/);
  },
  'the callback': async (browser: Browser, page: string, revoke: () => Promise<unknown>) => {
    const consent = await browser.open(page);
    const caught = await browser.follow(
      await browser.submit(consent, '/agree'),
      ({ pathname }) => pathname === '/connect/callback',
    );
    assert.equal(caught.url.pathname, '/connect/callback');
    await revoke();
    const shown = await browser.open(caught.url.href);
    assert.equal(shown.status, 404, shown.body);
  },
} as const;

test('A22: a key that is revoked after the proof connects nothing, at whichever step', async () => {
  const { key } = await w.key('--user', 'dana');
  for (const attempt of Object.values(steps)) {
    const proof = await w.key('--user', 'dana');
    const browser = new Browser();
    const page = await w.pageFor(key);
    const proven = await browser.follow(await browser.submit(await browser.open(page), '/key', { key: proof.key }));
    assert.match(proven.body, /\/agree"/);
    await attempt(browser, page, () => w.revoke(proof));
    assert.deepEqual(w.as.redeemed, [], attempt.name);
  }
  assert.ok(w.presented.every((token) => token === undefined));
  // The same user still connects with a key that stands.
  assert.match((await new Browser().connect(await w.pageFor(key), key)).body, /is connected/);
});
