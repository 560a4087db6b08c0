import { z } from 'zod';
import { secret } from '../../../config/schema/units.ts';
import { defineCredential } from '../contract.ts';
import { fixedCredential } from './fixed.ts';

export const basic = defineCredential({
  id: 'basic',
  summary: 'A name and a password.',
  options: z.strictObject({
    // oxlint-disable-next-line no-control-regex -- no header holds them
    user: z.string().regex(/^[^:\x00-\x1f\x7f]{1,256}$/, 'must be a name without a colon'),
    password: secret,
  }),
  create({ user, password }) {
    // RFC 7617: UTF-8, and no colon in the name, which the options see to.
    const encoded = Buffer.from(`${user}:${password}`).toString('base64');
    return fixedCredential({ authorization: `Basic ${encoded}` }, [password, encoded]);
  },
});
