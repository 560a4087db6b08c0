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
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return {
      async send({ id, type, at, data }) {
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
