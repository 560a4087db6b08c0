/** Signed webhooks, as Standard Webhooks has them: id, time and signature in headers, JSON in the body. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { secret as signingSecret } from '../../config/schema/units.ts';
import { addressOption, attemptMs, defineChannel, sentBy } from '../contract.ts';

export const webhook = defineChannel({
  id: 'webhook',
  summary: 'A signed POST (Standard Webhooks) for each message.',
  options: z.strictObject({
    url: addressOption(/^https?$/).describe('Where messages are sent to.'),
    secret: signingSecret.describe('Key of the signature: whsec_ and base64 of 24 to 64 bytes, as a reference.'),
  }),
  open: ({ url, secret }, { fetch }) => {
    const key = keyOf(secret);
    return {
      async send({ id, type, at, data }) {
        if (key === undefined)
          return { ok: false, problem: 'the secret is not whsec_ and base64 of at least 24 bytes', isFinal: true };
        const timestamp = String(Math.floor(Date.now() / 1_000));
        const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
        const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
        return sentBy(
          await fetch(url, {
            method: 'POST',
            operator: true,
            within: attemptMs,
            body,
            headers: {
              'content-type': 'application/json',
              'webhook-id': id,
              'webhook-timestamp': timestamp,
              'webhook-signature': `v1,${signature}`,
            },
          }),
        );
      },
    };
  },
});

const minKeyBytes = 24;

/** Undefined for what is no key of Standard Webhooks. Decoding skips what is not base64, so it has to come out the same. */
function keyOf(secret: string): Buffer | undefined {
  const text = /^whsec_([A-Za-z0-9+/]+)={0,2}$/.exec(secret)?.[1];
  if (text === undefined) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length >= minKeyBytes && key.toString('base64').replace(/=+$/, '') === text ? key : undefined;
}
