/** Every kind of credential, in the order of the documentation. To add one: a folder and a line here. */
import { authorizationCode } from './authorization-code/kind.ts';
import { clientCredentials } from './client-credentials/client-credentials.ts';
import { apiKey } from './fixed/api-key.ts';
import { basic } from './fixed/basic.ts';
import { bearer } from './fixed/bearer.ts';
import { idJag } from './id-jag/id-jag.ts';
import { tokenExchange } from './token-exchange/token-exchange.ts';
import { workloadIdentity } from './workload-identity/workload-identity.ts';

export const credentialKinds = [
  bearer,
  apiKey,
  basic,
  clientCredentials,
  tokenExchange,
  idJag,
  workloadIdentity,
  authorizationCode,
] as const;
