/** Sessions of operators: what is attacked in a browser, without one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { startWorld, type World } from './world.ts';

const password = 'correct horse battery';
const own = { 'sec-fetch-site': 'same-origin' };

interface Page {
  readonly status: number;
  readonly body: string;
  readonly location: string;
  readonly cookie: string;
}

async function open(
  url: string,
  {
    form,
    headers = {},
    cookie,
  }: {
    readonly form?: Readonly<Record<string, string>>;
    readonly headers?: Readonly<Record<string, string>>;
    readonly cookie?: string;
  } = {},
): Promise<Page> {
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { ...headers, ...(cookie !== undefined && { cookie }) },
    ...(form !== undefined && { method: 'POST', body: new URLSearchParams(form) }),
  });
  const [set = ''] = response.headers.getSetCookie();
  return {
    status: response.status,
    body: await response.text(),
    location: response.headers.get('location') ?? '',
    cookie: set,
  };
}

const fieldIn = (body: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1] ?? assert.fail(`no field ${name} in ${body}`);

/** Of the form that approves; the first of the page signs out. */
const decisionForm = (body: string): string => fieldIn(body.slice(body.indexOf('class="decide"')), 'form');

/** Becomes an operator with a password; answers its codes. */
async function join(link: string): Promise<(ahead: number) => string> {
  const { body } = await open(link);
  const secret = /<code>([A-Z2-7]{32})<\/code>/.exec(body)?.[1] ?? assert.fail(body);
  const totp = new TOTP({ secret: Secret.fromBase32(secret), digits: 6, period: 30 });
  const code = (ahead: number): string => totp.generate({ timestamp: Date.now() + ahead * 30_000 });
  const form = { totp: fieldIn(body, 'totp'), password, code: code(-1) };
  assert.equal((await open(link, { form, headers: own })).status, 303);
  return code;
}

async function signIn(world: World, code: string, cookie?: string): Promise<Page> {
  const form = { name: 'erin', password, code, next: '//evil.example/' };
  return open(`${world.base}/sign-in`, { form, headers: own, ...(cookie !== undefined && { cookie }) });
}

test('a session is new with each sign-in, belongs to its browser, and ends when its operator is revoked', async (t) => {
  await using world = await startWorld({});
  const code = await join(await world.operator('erin'));
  const now = code(0);
  const { port } = new URL(world.base);
  const first = await signIn(world, now, `sallyport-operator-${port}=${'A'.repeat(43)}`);
  const cookie = first.cookie.split(';')[0] ?? '';
  await t.test('what the browser had before is not taken over, and the way on stays here', () => {
    assert.equal(first.status, 303);
    assert.equal(first.location, '/approvals');
    // Named after the port, as browsers send a cookie of one gateway of this machine to all of them.
    assert.ok(first.cookie.startsWith(`sallyport-operator-${port}=`), first.cookie);
    assert.match(first.cookie, /=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
    assert.doesNotMatch(first.cookie, /AAAA/);
  });
  await t.test('a code counts once, and guesses make their name wait', async () => {
    assert.equal((await signIn(world, now)).status, 403);
    const statuses: string[] = [];
    for (let round = 0; round < 6; round++) statuses.push((await signIn(world, '000000')).body);
    assert.ok(statuses.some((body) => body.includes('Too many failures')));
  });
  const id = await world.held('by a page');
  const page = `${world.base}/approvals/${id}`;
  const shown = await open(page, { cookie });
  const form = decisionForm(shown.body);
  await t.test('other sites, foreign forms and forms of other pages decide nothing', async () => {
    const other = await open(`${world.base}/approvals/${await world.held('another')}`, { cookie });
    for (const [headers, token] of [
      [{ 'sec-fetch-site': 'cross-site' }, form],
      [{ 'sec-fetch-site': 'same-site' }, form],
      [{ origin: 'https://evil.example' }, form],
      [{}, form],
      [own, ''],
      [own, 'forged'],
      [own, decisionForm(other.body)],
      [own, fieldIn(shown.body, 'form')],
    ] as const) {
      const { status } = await open(`${page}/approve`, { form: { form: token }, headers, cookie });
      assert.equal(status, 403, JSON.stringify(headers));
    }
    const api = await fetch(`${world.base}/api/v1/approvals/${id}/approve`, {
      method: 'POST',
      headers: { cookie, 'sec-fetch-site': 'cross-site' },
    });
    assert.equal(api.status, 403);
    assert.match((await world.session.call('echo', { message: 'by a page' })).text, /waits for the approval/);
  });
  await t.test('without a session a page leads to the sign-in, and shows nothing', async () => {
    const { status, location, body } = await open(page);
    assert.equal(status, 303);
    assert.match(location, /^\/sign-in\?next=/);
    assert.equal(body, '');
  });
  await t.test('its own form decides', async () => {
    assert.equal((await open(`${page}/approve`, { form: { form }, headers: own, cookie })).status, 303);
    assert.equal((await world.session.call('echo', { message: 'by a page' })).isError, false);
  });
  await t.test('no page can be framed, and none runs a script of others', async () => {
    const { headers } = await fetch(`${world.base}/sign-in`);
    assert.match(
      headers.get('content-security-policy') ?? '',
      /default-src 'none'; script-src 'self'.*frame-ancestors 'none'/,
    );
    assert.equal(headers.get('x-frame-options'), 'DENY');
  });
  await t.test('a revoked operator has no session any more', async () => {
    assert.equal((await world.sallyport('operator', 'revoke', 'erin')).code, 0);
    assert.equal((await open(page, { cookie })).status, 303);
  });
});

test('a link for the first administrator makes none beside one that is there', async () => {
  await using world = await startWorld({});
  const link = world.gateway.join ?? assert.fail('no link');
  const { body } = await open(link);
  await world.operator('ada', '--role', 'administrator');
  const secret = /<code>([A-Z2-7]{32})<\/code>/.exec(body)?.[1] ?? assert.fail(body);
  const code = new TOTP({ secret: Secret.fromBase32(secret), digits: 6, period: 30 }).generate();
  const form = { name: 'mallory', totp: fieldIn(body, 'totp'), password, code };
  const { status, cookie } = await open(link, { form, headers: own });
  assert.equal(status, 404);
  assert.equal(cookie, '');
});
