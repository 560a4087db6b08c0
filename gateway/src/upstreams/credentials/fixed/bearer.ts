import { secret } from '../../../config/schema/units.ts';
import { defineCredential } from '../contract.ts';
import { fixedCredential } from './fixed.ts';

export const bearer = defineCredential({
  id: 'bearer',
  summary: 'A token, sent as Authorization: Bearer.',
  options: secret,
  create: (token) => fixedCredential({ authorization: `Bearer ${token}` }, [token]),
});
