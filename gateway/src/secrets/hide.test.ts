import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hideSecrets, spellingsOf } from './hide.ts';

test('secrets are taken out of everything that a server says, keys included', () => {
  const secret = 'tok-1234567890';
  const value = { a: `Bearer ${secret}!`, [`x-${secret}`]: [1, { b: secret }], c: 'clean' };
  assert.deepEqual(hideSecrets(value, [secret]), {
    a: 'Bearer (hidden)!',
    'x-(hidden)': [1, { b: '(hidden)' }],
    c: 'clean',
  });
  assert.equal(hideSecrets(`${secret}-more`, [secret, `${secret}-more`]), '(hidden)');
  const clean = { a: ['b', { c: 1 }] };
  assert.equal(hideSecrets(clean, [secret]), clean, 'nothing is copied when nothing is hidden');
});

test('a secret that is like its text is found in time that is linear in the text', () => {
  const half = 'B'.repeat(8_000);
  const secret = `${half}A${half}B`;
  const text = 'B'.repeat(1024 * 1024);
  const cpu = process.cpuUsage();
  assert.equal(hideSecrets(text, [secret]), text);
  assert.equal(hideSecrets(`${text}${secret}${text}`, [secret]), `${text}(hidden)${text}`);
  const { user } = process.cpuUsage(cpu);
  // The product of both lengths takes more than ten times as long.
  assert.ok(user < 1_000_000, `${user / 1_000} ms of CPU`);
});

test('the search without the probe finds what indexOf finds', () => {
  const seed = Date.now();
  let state = seed % 2_147_483_647;
  const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 300; round++) {
    const secret = Array.from({ length: 17 + random(40) }, () => 'AAAAAAAB'[random(8)]).join('');
    const parts = Array.from({ length: 1_200 }, () =>
      random(50) === 0 ? secret : secret.slice(0, 16 + random(secret.length - 16)),
    );
    const text = parts.join('');
    assert.equal(hideSecrets(text, [secret]), text.replaceAll(secret, '(hidden)'), `seed ${seed}`);
  }
});

test('a secret is found as a URL and as a JSON text spell it', () => {
  const secret = 'pa"ss wörd/1';
  const spellings = spellingsOf(secret);
  const encoded = encodeURIComponent(secret);
  const written = [
    secret,
    encoded,
    encoded.replaceAll(/%../g, (sign) => sign.toLowerCase()),
    encoded.replace('%2F', '/'),
    new URLSearchParams({ secret }).toString(),
    JSON.stringify({ secret }),
    JSON.stringify({ secret }).replace('/', '\\/'),
  ];
  for (const text of written) assert.doesNotMatch(hideSecrets(text, spellings), /w%C3|w%c3|wörd/, text);
  assert.deepEqual(spellingsOf('sp_plainToken-0123'), ['sp_plainToken-0123'], 'most secrets have one spelling');
});
