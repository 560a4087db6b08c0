/** The admin API over HTTP: who may do what, what is refused, and what it does to calls that wait. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type OperatorRole,
  operatorRoles,
  type Permission,
  permissions,
  permissionsOf,
} from '../../gateway/src/operators/roles.ts';
import { patienceMs } from '../process.ts';
import { startWorld, type World } from './world.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

const root = join(import.meta.dirname, '..', '..');

let world: World;
const tokens = new Map<string, string>();

before(async () => {
  world = await startWorld({});
  for (const role of operatorRoles) {
    await world.operator(role, '--role', role);
    tokens.set(role, await world.token(role));
  }
  await world.operator('elsewhere', '--role', 'approver', '--servers', 'other');
  tokens.set('elsewhere', await world.token('elsewhere'));
});
after(() => world[Symbol.asyncDispose]());

async function ask(
  who: string,
  method: string,
  path: string,
  { body, headers = {} }: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const token = tokens.get(who);
  const response = await fetch(`${world.base}/api/v1${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
  };
}

interface Operation {
  readonly 'x-permission': Permission | 'own';
}

const document = JSON.parse(readFileSync(join(root, 'schema', 'openapi.json'), 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method: method.toUpperCase(),
    needs: operation['x-permission'],
  })),
);

test('each operation asks for its permission, of each role, and for a token', async () => {
  assert.ok(operations.length >= 15);
  const me = (await ask('viewer', 'GET', '/me')).body['id'];
  for (const { path, method, needs } of operations) {
    const where = path.replace('{operator}', 'op_doesnotexist').replace('{id}', 'xx_doesnotexist');
    // A stream has no end.
    if (path.endsWith('/watch')) continue;
    assert.equal((await ask('without a token', method, where)).status, 401, `${method} ${path} without a token`);
    for (const role of operatorRoles) {
      const { status } = await ask(role, method, where, method === 'GET' ? {} : { body: {} });
      const isOpen =
        needs === 'own'
          ? !path.includes('{operator}') || permissionsOf[role].has('operators.read')
          : permissionsOf[role].has(needs);
      if (
        needs === 'own' &&
        path.includes('{operator}') &&
        method !== 'GET' &&
        !permissionsOf[role].has('operators.write')
      )
        assert.equal(status, 403, `${role}: ${method} ${path}`);
      else if (isOpen) assert.notEqual(status, 403, `${role}: ${method} ${path}`);
      else assert.equal(status, 403, `${role}: ${method} ${path}`);
    }
    // What is one's own is open.
    if (needs === 'own' && path.includes('{operator}') && method === 'GET') {
      const own = path.replace('{operator}', String(me));
      assert.equal((await ask('viewer', method, own)).status, 200, own);
    }
  }
});

test('the table of permissions in the documentation is the one that holds', () => {
  const page = readFileSync(join(root, 'docs', 'operators.md'), 'utf8');
  assert.ok(page.includes(`| role | ${permissions.join(' | ')} |`));
  for (const role of operatorRoles) {
    const cells = permissions.map((permission) => (permissionsOf[role].has(permission) ? 'yes' : '–'));
    assert.ok(page.includes(`| ${role} | ${cells.join(' | ')} |`), role);
  }
});

test('a script approves a call with a token, once, and every repetition gets the same answer', async () => {
  const id = await world.held('by a script');
  const listed = await ask('approver', 'GET', '/approvals');
  assert.ok(JSON.stringify(listed.body).includes(id));
  const shown = await ask('approver', 'GET', `/approvals/${id}`);
  assert.deepEqual((shown.body['call'] as { arguments: unknown }).arguments, { message: 'by a script' });
  assert.equal((await ask('viewer', 'GET', `/approvals/${id}`)).status, 403);
  // For an operator of other servers it is not there.
  assert.equal((await ask('elsewhere', 'GET', `/approvals/${id}`)).status, 404);
  assert.equal((await ask('elsewhere', 'POST', `/approvals/${id}/approve`)).status, 404);
  assert.deepEqual((await ask('elsewhere', 'GET', '/approvals')).body, { approvals: [] });
  const headers = { 'idempotency-key': 'once' };
  const first = await ask('approver', 'POST', `/approvals/${id}/approve`, { headers, body: { reason: 'agreed' } });
  assert.equal(first.status, 200, JSON.stringify(first.body));
  assert.equal(first.body['state'], 'approved');
  const again = await ask('approver', 'POST', `/approvals/${id}/approve`, { headers, body: { reason: 'agreed' } });
  assert.deepEqual(again.body, first.body);
  assert.equal(
    (await ask('approver', 'POST', `/approvals/${id}/approve`, { headers, body: { reason: 'else' } })).status,
    422,
  );
  const late = await ask('administrator', 'POST', `/approvals/${id}/reject`);
  assert.equal(late.status, 409);
  assert.match(String(late.body['detail']), /approved already/);
  assert.equal((await world.session.call('echo', { message: 'by a script' })).isError, false);
});

test('who lost its role between approval and use approved nothing', async () => {
  const id = await world.held('role lost');
  await world.operator('fleeting', '--role', 'approver');
  tokens.set('fleeting', await world.token('fleeting'));
  assert.equal((await ask('fleeting', 'POST', `/approvals/${id}/approve`)).status, 200);
  assert.equal((await world.sallyport('operator', 'change', 'fleeting', '--role', 'viewer')).code, 0);
  const { isError, text } = await world.session.call('echo', { message: 'role lost' });
  assert.equal(isError, true);
  assert.match(text, /withdrawn|approval/);
  assert.notEqual(await world.held('role lost'), id);
  assert.equal((await ask('fleeting', 'POST', `/approvals/${id}/approve`)).status, 403);
  assert.equal((await world.sallyport('operator', 'revoke', 'fleeting')).code, 0);
  assert.equal((await ask('fleeting', 'GET', '/me')).status, 401);
});

test('watching tells what comes, and ends with what it was opened with', async () => {
  await world.operator('watcher', '--role', 'viewer');
  tokens.set('watcher', await world.token('watcher'));
  const stays = await fetch(`${world.base}/api/v1/approvals/watch`, {
    headers: { authorization: `Bearer ${tokens.get('viewer')}` },
  });
  const response = await fetch(`${world.base}/api/v1/approvals/watch`, {
    headers: { authorization: `Bearer ${tokens.get('watcher')}` },
  });
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail();
  let read = '';
  const until = async (wanted: string): Promise<void> => {
    while (!read.includes(wanted)) {
      const { value, done } = await reader.read();
      assert.ok(!done, read);
      read += value;
    }
  };
  await until('event: ready');
  const id = await world.held('watched');
  await until(id);
  assert.equal((await ask('approver', 'POST', `/approvals/${id}/approve`)).status, 200);
  await until('"state":"approved"');
  await world.sallyport('operator', 'revoke', 'watcher');
  await world.held('not for the revoked');
  for (;;) if ((await reader.read()).done) break;
  assert.ok(!read.includes('not for the revoked'));
  // Others hear on, each event once and in order.
  const staying = stays.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail();
  let heard = '';
  const told = () => heard.match(/(?<="state":")\w+/g) ?? [];
  while (told().length < 3) heard += (await staying.read()).value ?? assert.fail(heard);
  assert.deepEqual(told(), ['pending', 'approved', 'pending']);
  await staying.cancel();
});

test('operators are made, changed and revoked, with versions, and the last administrator stays', async () => {
  const made = await ask('administrator', 'POST', '/operators', { body: { name: 'new', role: 'viewer' } });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.match(String(made.body['link']), /\/join\/[\w-]{43}$/);
  const path = `/operators/${String(made.body['id'])}`;
  assert.equal(
    (await ask('administrator', 'POST', '/operators', { body: { name: 'new', role: 'viewer' } })).status,
    409,
  );
  const tag = (await ask('administrator', 'GET', path)).headers.get('etag') ?? '';
  const headers = { 'if-match': tag };
  assert.equal((await ask('administrator', 'PATCH', path, { headers, body: { role: 'auditor' } })).status, 200);
  assert.equal((await ask('administrator', 'PATCH', path, { headers, body: { role: 'viewer' } })).status, 412);
  const wrong = await ask('administrator', 'PATCH', path, { body: { role: 'king' } });
  assert.equal(wrong.status, 422);
  assert.equal(wrong.headers.get('content-type'), 'application/problem+json');
  assert.match(String(wrong.body['detail']), /^role/);
  const own = (await ask('administrator', 'GET', '/me')).body['id'];
  const last = await ask('administrator', 'DELETE', `/operators/${String(own)}`);
  assert.equal(last.status, 409, JSON.stringify(last.body) + world.gateway.errors());
  // A token is never more than what makes it, nor than its operator.
  for (const [who, role, expected] of [
    ['approver', 'administrator', 403],
    ['approver', 'viewer', 201],
  ] as const satisfies readonly (readonly [string, OperatorRole, number])[]) {
    const id = (await ask(who, 'GET', '/me')).body['id'];
    const body = { name: 't', role, expiresAt: new Date(Date.now() + 60_000).toISOString() };
    assert.equal((await ask(who, 'POST', `/operators/${String(id)}/tokens`, { body })).status, expected);
  }
});

test('other sites, foreign names, long bodies, guesses and bad JSON are refused', async () => {
  const page = await fetch(`${world.base}/sign-in`, {
    method: 'POST',
    headers: {
      origin: 'https://evil.example',
      'sec-fetch-site': 'cross-site',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'name=administrator&password=x&code=000000',
  });
  assert.equal(page.status, 403);
  assert.equal(
    (await ask('approver', 'POST', '/approvals/ap_x/approve', { body: { reason: 'x'.repeat(70_000) } })).status,
    413,
  );
  const json = await fetch(`${world.base}/api/v1/approvals/ap_x/approve`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokens.get('approver')}`, 'content-type': 'application/json' },
    body: '{',
  });
  assert.equal(json.status, 400);
  tokens.set('guess', `sop_${'A'.repeat(43)}`);
  const statuses: number[] = [];
  for (let round = 0; round < 16; round++) statuses.push((await ask('guess', 'GET', '/me')).status);
  assert.ok(statuses.includes(429), statuses.join());
  // What is good is let in all the same.
  assert.equal((await ask('viewer', 'GET', '/me')).status, 200);
});

test('one credential does not get the answers of another, and HEAD opens no stream', async () => {
  const { id } = (await ask('administrator', 'GET', '/me')).body;
  const path = `/operators/${String(id)}/tokens`;
  const body = { name: 'made', role: 'viewer', expiresAt: new Date(Date.now() + 60_000).toISOString() };
  const headers = { 'idempotency-key': 'secret' };
  const made = await ask('administrator', 'POST', path, { body, headers });
  assert.equal(made.status, 201);
  tokens.set('weak', String(made.body['token']));
  const strong = { ...body, role: 'administrator' };
  assert.equal(
    (await ask('administrator', 'POST', path, { body: strong, headers: { 'idempotency-key': 'strong' } })).status,
    201,
  );
  assert.equal(
    (await ask('weak', 'POST', path, { body: strong, headers: { 'idempotency-key': 'strong' } })).status,
    403,
  );
  const again = await ask('administrator', 'POST', path, { body, headers });
  assert.equal(again.status, 409);
  assert.doesNotMatch(JSON.stringify(again.body), /sop_/);
  // A token that ends soon makes none that ends later.
  const longer = { ...body, expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
  assert.equal((await ask('weak', 'POST', path, { body: longer })).status, 403);
  for (let round = 0; round < 20; round++)
    await fetch(`${world.base}/api/v1/approvals/watch`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${tokens.get('viewer')}`, ...headers },
    });
  assert.match(await (await fetch(`${world.gateway.admin}/metrics`)).text(), /table="approval_watchers"\} 0/);
  // An operator of some servers lifts no limits.
  await world.operator('partial', '--role', 'administrator', '--servers', 'other');
  tokens.set('partial', await world.token('partial'));
  const own = (await ask('partial', 'GET', '/me')).body['id'];
  assert.equal((await ask('partial', 'PATCH', `/operators/${String(own)}`, { body: { servers: null } })).status, 403);
});

test('how often a rule is approved is told', async () => {
  const end = Date.now() + patienceMs;
  for (;;) {
    const { stdout } = await world.sallyport('approval', 'rules');
    if (/sallyport\.yaml:\d+:\d+ {2}[23] approved, 0 rejected, 100 %\n/.test(stdout)) break;
    assert.ok(Date.now() < end, stdout);
  }
});

test('the log has who looked and who changed what', async () => {
  for (const [kind, wanted] of [
    ['approval-viewed', /operator:approver/],
    ['operator-created', /os:/],
    ['operator-revoked', /fleeting/],
  ] as const) {
    const end = Date.now() + patienceMs;
    for (;;) {
      const { stdout } = await world.sallyport('audit', 'search', '--kind', kind, '--json');
      if (wanted.test(stdout)) break;
      assert.ok(Date.now() < end, `${kind}: ${stdout}`);
    }
  }
});
