/** Keys of signed webhooks: what is no key of the standard signs nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fetch } from '../../egress/fetch.ts';
import { webhook } from './webhook.ts';

const message = { id: 'a', type: 'approval.pending', at: 0, title: '', lines: [], data: {} } as const;
const base64 = (bytes: number): string => Buffer.alloc(bytes, 251).toString('base64');

async function sentWith(secret: string) {
  let asked = 0;
  const fetch: Fetch = () => {
    asked += 1;
    return Promise.resolve({ ok: false, problem: 'not sent', refused: false });
  };
  const parts = { fetch, name: 'ops', buttonKey: Buffer.alloc(32) };
  const sent = await webhook.open({ url: 'https://hooks.example', secret }, parts).send(message);
  return { asked, sent };
}

test('a secret that is not whsec_ and base64 of at least 24 bytes sends nothing, and the problem says so', async () => {
  const wrong = ['', 'whsec_', base64(32), `whsec_${base64(23)}`, `whsec_${base64(32)}!`, `whsec_ ${base64(32)}`];
  for (const secret of [...wrong, 'a password that is long enough for anything', `whsec_${base64(32)}\n`]) {
    const { asked, sent } = await sentWith(secret);
    assert.equal(asked, 0, JSON.stringify(secret));
    assert.ok(!sent.ok && sent.isFinal, JSON.stringify(secret));
    assert.match(sent.problem, /whsec_ and base64 of at least 24 bytes/);
  }
  for (const secret of [24, 25, 26, 64].map((bytes) => `whsec_${base64(bytes)}`))
    assert.equal((await sentWith(secret)).asked, 1, secret);
});
