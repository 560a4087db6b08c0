/** Attacks on the accounts of users: on the way through the browser, and by servers that lie about whose tokens they want. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { Browser } from '../browser.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { type Authorizing, back, startAuthorizing } from './authorizing.ts';
import { type Protected, startProtected } from './protected.ts';
import { modernCallWith, pageIn, type RawAnswer, sendRaw } from './raw.ts';

function gatewayFor(servers: Readonly<Record<string, Protected>>, allow: readonly string[]): Promise<Gateway> {
  return startGateway({
    callers: { users: { dana: {}, eve: {} } },
    egress: { allow },
    servers: Object.fromEntries(
      Object.entries(servers).map(([name, { url }]) => [name, { url, credential: { authorizationCode: {} } }]),
    ),
    connections: [{ name: 'all', from: { anyone: true }, to: Object.keys(servers), tools: [{ allow: '*' }] }],
  });
}

async function command(gateway: Gateway, ...args: readonly string[]): Promise<string> {
  const run = await runCommandHere(...args, '--config', gateway.config);
  assert.equal(run.code, 0, run.stderr);
  return run.stdout.trim();
}

const keyOf = (gateway: Gateway, user: string): string => gateway.key({ user });

function call(gateway: Gateway, key: string, server: string): Promise<RawAnswer> {
  return sendRaw(modernCallWith({ url: gateway.endpoint(server), key, tool: 'open' }));
}

async function pageFor(gateway: Gateway, key: string, server: string): Promise<string> {
  const answer = await call(gateway, key, server);
  const page = pageIn(answer);
  assert.ok(page !== undefined, answer.body + gateway.errors());
  return page;
}

const isCallback = ({ pathname }: URL): boolean => pathname === '/connect/callback';

/** An authorization server, and a server whose tokens come from there. */
async function startPair(): Promise<Pair> {
  const as = await startAuthorizing();
  return { as, server: await startProtected([{ name: 'open' }], [as.issuer]) };
}

interface Pair {
  readonly as: Authorizing;
  readonly server: Protected;
}

function worldOf(pair: Pair, gateway: Gateway, name: string) {
  const key = keyOf(gateway, 'dana');
  return {
    ...pair,
    gateway,
    key,
    call: (user = key) => call(gateway, user, name),
    /** Of a user who was answered with one. */
    page: (user = key) => pageFor(gateway, user, name),
  };
}

type World = ReturnType<typeof worldOf>;

/** As many as the tests take: each is an authorization server and a server, all of them behind one gateway. */
const worlds: World[] = [];
const all: World[] = [];
let shared: Gateway;

before(async () => {
  const pairs = new Map<string, Pair>();
  for (let n = 0; n < 10; n++) pairs.set(`notes-${n}`, await startPair());
  const issuers = [...pairs.values()].map(({ as }) => as.issuer);
  shared = await gatewayFor(Object.fromEntries([...pairs].map(([name, { server }]) => [name, server])), issuers);
  for (const [name, pair] of pairs) worlds.push(worldOf(pair, shared, name));
  all.push(...worlds);
});
after(async () => {
  await shared.stop();
  for (const { as, server } of all) {
    await server[Symbol.asyncDispose]();
    await as[Symbol.asyncDispose]();
  }
});
/** One that no other test has had. */
const world = (): World => worlds.shift() ?? assert.fail('there are too few worlds');

/** One with a gateway of its own, called `notes` there. */
async function ownWorld(): Promise<World & AsyncDisposable> {
  const pair = await startPair();
  const gateway = await gatewayFor({ notes: pair.server }, [pair.as.issuer]);
  return {
    ...worldOf(pair, gateway, 'notes'),
    [Symbol.asyncDispose]: async () => {
      await gateway.stop();
      await pair.server[Symbol.asyncDispose]();
      await pair.as[Symbol.asyncDispose]();
    },
  };
}

/** The gateway told the browser nothing but that it did not work, and sent the code nowhere. */
function refused(shown: { status: number; body: string }, as: Authorizing, server: Protected): void {
  assert.equal(shown.status, 502, shown.body);
  assert.doesNotMatch(shown.body, /issuer|evil/);
  assert.deepEqual(as.redeemed, []);
  assert.ok(server.presented.every((token) => token === undefined));
}

test('a proper answer is redeemed, with PKCE and the resource, so that the attacks below fail for their own reason', async () => {
  const w = world();
  const done = await new Browser().connect(await w.page(), w.key);
  assert.match(done.body, /is connected/, done.body + w.gateway.errors());
  assert.match((await w.call()).body, /the witness was called/);
  const [asked] = w.as.asked;
  const [redeemed] = w.as.redeemed;
  assert.equal(asked?.get('code_challenge_method'), 'S256');
  assert.equal(asked?.get('resource'), w.server.url);
  assert.equal(redeemed?.get('resource'), w.server.url);
  assert.equal(redeemed?.get('code'), 'a-code');
  assert.ok((redeemed?.get('code_verifier') ?? '').length >= 43);
});

test('15 iss mismatch on the callback is refused before the code is sent', async () => {
  const w = world();
  for (const answer of [
    { code: 'stolen', iss: 'https://evil.example' },
    { code: 'stolen', iss: `${w.as.issuer}/` },
    { code: 'stolen' },
    { error: 'access_denied', iss: 'https://evil.example' },
  ]) {
    w.as.leave = (query) => back(query, answer);
    refused(await new Browser().connect(await w.page(), w.key), w.as, w.server);
  }
});

test('mixed-up issuer: a server sends the browser to the authorization server of another one', async () => {
  const { as: honest } = world();
  const { as: evil, server: bad, key, page } = world();
  // The login page that dana sees is the one that she knows; its code is meant to end at the token endpoint of the trap.
  evil.leave = (query) => `${honest.issuer}/authorize?${query.toString()}`;
  const shown = await new Browser().connect(await page(), key);
  assert.equal(honest.asked.length, 1, 'the code was given out');
  refused(shown, evil, bad);
});

test('session of another user: opening the page of another user connects nothing', async () => {
  const w = world();
  const eve = keyOf(w.gateway, 'eve');
  const page = await w.page();
  const other = new Browser();
  const shown = await other.connect(page, eve);
  assert.equal(shown.status, 403);
  assert.match(shown.body, /belongs to another user/);
  assert.deepEqual(w.as.asked, [], 'no browser was sent to the authorization server');
  // Proven as eve for a page of her own, she opens that of dana.
  const own = await other.follow(await other.submit(await other.open(await w.page(eve)), '/key', { key: eve }));
  assert.match(own.body, /\/agree"/);
  assert.doesNotMatch((await other.open(page)).body, /\/agree"/);
  await assert.rejects(other.submit(own, '/nothing'), /no form/);
  const forged = await other.request(`${page}/agree`, {
    form: /name="form" value="([^"]+)"/.exec(own.body)?.[1] ?? '',
  });
  assert.equal(forged.status, 403, 'the token of one form is nothing on another page');
  assert.match((await w.call()).body, /requires a linked account/);
});

test('session of another user: an answer that was meant for one browser is nothing in another', async () => {
  const w = world();
  const mine = new Browser();
  const asked = await mine.open(await w.page());
  const consent = await mine.follow(await mine.submit(asked, '/key', { key: w.key }));
  const caught = await mine.follow(await mine.submit(consent, '/agree'), isCallback);
  assert.equal(caught.url.pathname, '/connect/callback');
  const victim = new Browser();
  const eve = keyOf(w.gateway, 'eve');
  await victim.follow(await victim.submit(await victim.open(await w.page(eve)), '/key', { key: eve }));
  assert.equal((await victim.open(caught.url.href)).status, 404);
  // The same user in another browser is not enough: a code that was caught must not be planted anywhere.
  const page = await w.page();
  const again = await mine.follow(await mine.submit(await mine.open(page), '/agree'), isCallback);
  const elsewhere = new Browser();
  await elsewhere.follow(await elsewhere.submit(await elsewhere.open(page), '/key', { key: w.key }));
  assert.equal((await elsewhere.open(again.url.href)).status, 404);
  assert.equal((await mine.open(caught.url.href)).status, 404, 'and it is over after the attempt');
  assert.deepEqual(w.as.redeemed, []);
});

test('an answer counts once, and an invented one never', async () => {
  const w = world();
  const browser = new Browser();
  const consent = await browser.follow(
    await browser.submit(await browser.open(await w.page()), '/key', { key: w.key }),
  );
  const caught = await browser.follow(await browser.submit(consent, '/agree'), isCallback);
  const invented = new URL(caught.url);
  invented.searchParams.set('state', 'x'.repeat(43));
  assert.equal((await browser.open(invented.href)).status, 404);
  assert.match((await browser.open(caught.url.href)).body, /is connected/);
  assert.equal((await browser.open(caught.url.href)).status, 404);
  assert.equal(w.as.redeemed.length, 1);
});

test('the page: no frame, no script, nothing from elsewhere; cookies for this site only; forms of other sites are refused', async () => {
  const w = world();
  const page = await w.page();
  const { headers } = await new Browser().request(page);
  assert.match(
    headers.get('content-security-policy') ?? '',
    /^default-src 'none'; .*form-action 'self'; frame-ancestors 'none'/,
  );
  assert.equal(headers.get('x-frame-options'), 'DENY');
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(headers.get('referrer-policy'), 'no-referrer');
  assert.match(headers.get('set-cookie') ?? '', /^sallyport=[^;]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/);
  for (const [name, value] of [
    ['origin', 'https://evil.example'],
    ['sec-fetch-site', 'cross-site'],
    ['sec-fetch-site', 'same-site'],
  ] as const) {
    const answer = await fetch(`${page}/key`, {
      method: 'POST',
      body: new URLSearchParams({ key: w.key }),
      headers: { [name]: value },
    });
    assert.equal(answer.status, 403);
  }
  const without = await fetch(`${page}/key`, { method: 'POST', body: new URLSearchParams({ key: w.key }) });
  assert.equal(without.status, 403, 'a form that was never shown');
  assert.equal((await new Browser().request(`${page.slice(0, -1)}_`)).status, 404);
});

test('guessing keys on the page is slowed down like everywhere else', async () => {
  await using w = await ownWorld();
  const browser = new Browser();
  const asked = await browser.open(await w.page());
  const statuses = new Set<number>();
  for (let attempt = 0; attempt < 16; attempt++)
    statuses.add((await browser.submit(asked, '/key', { key: `sp_${String(attempt).padStart(40, '0')}` })).status);
  assert.deepEqual([...statuses], [403, 429]);
});

test('12 a server whose metadata points to 169.254.169.254 is refused, wherever it points there', async () => {
  const w = world();
  const inside = 'https://169.254.169.254';
  const metadata = { ...w.as.metadata };
  for (const lie of [
    () => (w.server.metadataUrl = `${inside}/prm`),
    () => (w.server.metadata = { ...w.server.metadata, authorization_servers: [inside] }),
    () => (w.as.metadata = { ...metadata, authorization_endpoint: `${inside}/authorize` }),
    () => (w.as.metadata = { ...metadata, registration_endpoint: `${inside}/register` }),
    () => (w.as.metadata = { ...metadata, authorization_endpoint: 'javascript:alert(1)' }),
  ]) {
    const right = { metadataUrl: w.server.metadataUrl, metadata: w.server.metadata };
    const before = guarded(w.gateway);
    lie();
    refused(await new Browser().connect(await w.page(), w.key), w.as, w.server);
    await w.gateway.until(() => guarded(w.gateway) > before);
    Object.assign(w.server, right);
    w.as.metadata = metadata;
  }
  assert.deepEqual(w.as.asked, []);
});

/** How often the guard said no, as the operator sees it. */
function guarded(gateway: Gateway): number {
  return gateway.errors().split(/leads to an address that is not public|is not https/).length;
}

test('metadata of another resource, of another issuer, and without PKCE is not used', async () => {
  const w = world();
  const metadata = { ...w.as.metadata };
  for (const lie of [
    () => (w.server.metadata = { ...w.server.metadata, resource: 'https://bank.example/mcp' }),
    // Would stand in a command that the operator is told to run.
    () => (w.server.metadata = { ...w.server.metadata, authorization_servers: ['https://evil.example/$(reboot)'] }),
    () => (w.as.metadata = { ...metadata, issuer: 'https://evil.example' }),
    () => (w.as.metadata = { ...metadata, code_challenge_methods_supported: undefined }),
    () => (w.as.metadata = { ...metadata, code_challenge_methods_supported: ['plain'] }),
  ]) {
    const right = { ...w.server.metadata };
    lie();
    refused(await new Browser().connect(await w.page(), w.key), w.as, w.server);
    w.server.metadata = right;
    w.as.metadata = metadata;
  }
  assert.deepEqual(w.as.asked, []);
});

test('16 a server that changes its authorization server: an alarm, and no credential until an operator agrees', async () => {
  await using w = await ownWorld();
  await using other = await startAuthorizing();
  const settings = JSON.parse(await readFile(w.gateway.config, 'utf8')) as object;
  await writeFile(w.gateway.config, JSON.stringify({ ...settings, egress: { allow: [w.as.issuer, other.issuer] } }));
  await w.gateway.until(() => w.gateway.errors().includes('configuration in force'));
  w.as.grant = () => ({ access_token: 'first-token', refresh_token: 'first-refresh', token_type: 'Bearer' });
  assert.match((await new Browser().connect(await w.page(), w.key)).body, /is connected/);
  assert.match((await w.call()).body, /the witness was called/);

  w.server.metadata = { ...w.server.metadata, authorization_servers: [other.issuer] };
  w.server.door = (token) => (token?.startsWith('token-of-') === true ? undefined : [401, '']);
  assert.match((await w.call()).body, /cannot be reached/);
  await w.gateway.until(() => /NAMES ANOTHER AUTHORIZATION SERVER/.test(w.gateway.errors()));
  assert.equal(w.as.redeemed.length, 1, 'nothing was renewed');
  const eve = keyOf(w.gateway, 'eve');
  w.server.presented.length = 0;
  assert.match((await w.call()).body, /cannot be reached/);
  assert.match((await w.call(eve)).body, /cannot be reached/, 'and no user is sent there either');
  assert.deepEqual(w.server.presented, [], 'not even asked');
  assert.deepEqual(other.asked, []);
  // The gateway writes its report once a second.
  const blocked = /reauthorize .*sallyport(?:\.js)? server trust notes --issuer/;
  const deadline = Date.now() + patienceMs;
  for (let listed = ''; !blocked.test(listed); listed = await command(w.gateway, 'server', 'list'))
    assert.ok(Date.now() < deadline, listed);

  await command(w.gateway, 'server', 'trust', 'notes', '--issuer', other.issuer);
  await w.gateway.until(() => w.gateway.errors().includes('an operator agreed'));
  const page = await w.page();
  assert.match((await new Browser().connect(page, w.key)).body, /is connected/);
  assert.match((await w.call()).body, /the witness was called/);
  assert.equal(other.registrations(), 1, 'a registration of its own');
  const sent = [...other.redeemed, ...other.asked].map(String).join('\n');
  assert.doesNotMatch(sent, /first-token|first-refresh/);
  assert.ok(!sent.includes(`of-${new URL(w.as.issuer).port}`), 'nothing of the first one went to the second');
  assert.doesNotMatch(w.server.presented.join(' '), /first-token/);
});
