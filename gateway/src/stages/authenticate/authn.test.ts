import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { configuration } from '../../config/schema/index.ts';
import type { AuthnResult, Credentials } from '../../pipeline/contracts/authenticate.ts';
import { openPepper } from '../../secrets/pepper.ts';
import { openKeyStore } from '../../stores/sqlite/keys.ts';
import { generateKey, isWellFormed } from './api-key/format.ts';
import { KeyRing } from './api-key/key-ring.ts';
import { openKeyAdmin } from './api-key/open.ts';
import { firstAnswer, makeAuthenticate } from './index.ts';

const written = {
  version: 1 as const,
  callers: {
    agents: { demo: { roles: ['reader'], attributes: { team: 'a', region: 'eu' }, trust: 'trusted' as const } },
    users: { dana: { roles: ['admin', 'reader'], attributes: { team: 'b' } } },
  },
};
const config = configuration.parse(written);

function setUp() {
  const folder = temporaryFolder('authn');
  const desk = openKeyAdmin(folder);
  const pepper = openPepper(folder);
  assert.ok(desk.ok && pepper.ok);
  const clock = { now: 1_000 };
  const keys = new KeyRing({ store: openKeyStore(folder), pepper: pepper.pepper, now: () => clock.now });
  const ended: string[] = [];
  keys.onRevoked((id) => ended.push(id));
  return {
    folder,
    desk: desk.value,
    keys,
    clock,
    ended,
    authenticate: makeAuthenticate({ configuration: config, keys }),
  };
}

function bearer(key: string): Credentials {
  return { authorization: `Bearer ${key}`, headers: {}, transport: 'http' };
}

function callerOf(result: AuthnResult | Promise<AuthnResult>) {
  assert.ok(!(result instanceof Promise) && result.ok, JSON.stringify(result));
  return result.value;
}

function refusalOf(result: AuthnResult | Promise<AuthnResult>) {
  assert.ok(!(result instanceof Promise) && !result.ok, JSON.stringify(result));
  return result.refusal;
}

test('a key made elsewhere works, and stands for one caller object until something changes', () => {
  const { desk, keys, authenticate, ended } = setUp();
  const { text, stored } = desk.create({ agent: 'demo', user: 'dana', name: 'laptop' }, 1);
  keys.follow();
  const caller = callerOf(authenticate(bearer(text)));
  assert.deepEqual([...caller.roles].toSorted(), ['admin', 'reader']);
  assert.deepEqual(caller.attributes, { team: 'b', region: 'eu' }, 'the attribute of the user wins');
  assert.equal(caller.trust, 'standard', 'the lowest trust counts');
  assert.equal(caller.key, 'user:dana agent:demo');
  assert.deepEqual(caller.credential, { kind: 'api-key', id: stored.id });
  desk.create({ agent: 'demo' }, 2);
  keys.follow();
  assert.equal(callerOf(authenticate({ ...bearer(text), authorization: `bEARER  ${text}` })), caller);

  desk.store.revoke(stored.id, 3);
  assert.ok(callerOf(authenticate(bearer(text))), 'valid until the ring looks again, within 250 ms');
  keys.follow();
  assert.deepEqual(refusalOf(authenticate(bearer(text))), {
    reason: 'credentials-invalid',
    cause: 'revoked',
    detail: 'API key revoked',
  });
  assert.deepEqual(ended, [stored.id]);
  keys.close();
});

test('a key expires at its time, and says so once', () => {
  const { desk, keys, authenticate, ended, clock } = setUp();
  const { text, stored } = desk.create({ agent: 'demo', expiresAt: 5_000 }, 1);
  keys.follow();
  assert.equal(callerOf(authenticate(bearer(text))).credential.expiresAt, 5_000);
  clock.now = 5_000;
  assert.equal(refusalOf(authenticate(bearer(text))).reason, 'credentials-invalid');
  keys.follow();
  keys.follow();
  desk.create({ agent: 'demo' }, 2);
  keys.follow();
  assert.deepEqual(ended, [stored.id]);
  keys.close();
});

test('a caller that the configuration no longer names is refused, a new revision makes new callers', () => {
  const { desk, keys, authenticate } = setUp();
  const { text } = desk.create({ agent: 'demo' }, 1);
  keys.follow();
  const before = callerOf(authenticate(bearer(text)));
  const same = makeAuthenticate({ configuration: config, keys });
  assert.notEqual(callerOf(same(bearer(text))), before);
  const without = makeAuthenticate({ configuration: configuration.parse({ version: 1 }), keys });
  const refusal = refusalOf(without(bearer(text)));
  assert.ok(refusal.reason === 'credentials-invalid' && refusal.detail.includes('"demo" is not declared'));
  keys.close();
});

test('anonymous access is for requests without a credential, never for a wrong one', () => {
  const { keys } = setUp();
  const open = configuration.parse({ ...written, authentication: { anonymous: { agent: 'demo' } } });
  const authenticate = makeAuthenticate({ configuration: open, keys });
  const without: Credentials = { headers: {}, transport: 'http' };
  assert.equal(callerOf(authenticate(without)).credential.kind, 'anonymous');
  assert.equal(callerOf(authenticate(without)), callerOf(authenticate(without)));
  assert.equal(refusalOf(authenticate(bearer('sp_wrong'))).reason, 'credentials-invalid');
  assert.equal(refusalOf(authenticate(bearer('eyJ'))).reason, 'credentials-invalid');
  assert.equal(refusalOf(authenticate({ ...without, authorization: '' })).reason, 'credentials-invalid');
  const closed = makeAuthenticate({ configuration: config, keys });
  assert.equal(refusalOf(closed(without)).reason, 'credentials-missing');
  keys.close();
});

test('an authenticator may take its time, and "not mine" asks the next one', async () => {
  const { keys, desk } = setUp();
  const { text } = desk.create({ agent: 'demo' }, 1);
  keys.follow();
  const slow = { id: 'slow', authenticate: () => Promise.resolve(undefined) };
  const api = makeAuthenticate({ configuration: config, keys });
  const both = firstAnswer([slow, { authenticate: api }]);
  const answer = await both(bearer(text));
  assert.ok(answer.ok);
  keys.close();
});

test('a mistyped key is recognised without a look-up', () => {
  const character = fc.stringMatching(/^[0-9A-Za-z]$/);
  fc.assert(
    fc.property(fc.nat(48), character, (position, other) => {
      const key = generateKey();
      assert.ok(isWellFormed(key));
      const at = 3 + position;
      const typo = key.slice(0, at) + other + key.slice(at + 1);
      assert.equal(isWellFormed(typo), typo === key);
      assert.ok(!isWellFormed(key.slice(0, -1)) && !isWellFormed(`${key}0`));
    }),
  );
});

test('19 keys are stored as HMAC only, in files that other users cannot read', () => {
  const { folder, desk, keys } = setUp();
  const { text } = desk.create({ agent: 'demo' }, 1);
  keys.close();
  for (const file of ['sallyport.db', 'sallyport.db-wal', 'keys/pepper']) {
    const info = statSync(join(folder, file), { throwIfNoEntry: false });
    if (info === undefined) continue;
    assert.equal(info.mode & 0o077, 0, file);
    assert.ok(!readFileSync(join(folder, file)).includes(text.slice(3, 40)), file);
  }
  desk.store.close();
});

test('a pepper that others can read stops everything', () => {
  const { folder, keys } = setUp();
  keys.close();
  const path = join(folder, 'keys', 'pepper');
  chmodSync(path, 0o644);
  const refused = openKeyAdmin(folder);
  assert.ok(!refused.ok && refused.remedy === `Run: chmod 600 ${path}`);
});
