/** Asks the authorization server about a token that says nothing by itself (RFC 7662). */

import type { Fetch } from '../../../egress/fetch.ts';
import { basicCredentials } from '../../../oauth/basic.ts';
import { isObject, parseJsonText } from '../../../protocol/json.ts';
import type { IssuerConfig } from './options.ts';
import type { Verified } from './verify.ts';

export type Introspection = NonNullable<IssuerConfig['introspection']>;

export async function introspect(
  token: string,
  { url, clientId, clientSecret }: Introspection,
  fetch: Fetch,
): Promise<Verified> {
  const answer = await fetch(url, {
    method: 'POST',
    operator: true,
    limit: 64 * 1024,
    headers: {
      authorization: basicCredentials(clientId, clientSecret),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
  });
  if (!answer.ok) return { ok: false, unreachable: true, problem: answer.problem };
  if (answer.status !== 200) return { ok: false, unreachable: true, problem: `introspection answers ${answer.status}` };
  const parsed = parseJsonText(answer.text, { depth: 16, looseText: true });
  if (!parsed.ok || !isObject(parsed.value))
    return { ok: false, unreachable: true, problem: 'introspection answers no JSON object' };
  // "If the token is not active … the authorization server MUST return … active set to false" (RFC 7662, 2.2).
  return parsed.value.active === true
    ? { ok: true, claims: parsed.value }
    : { ok: false, unreachable: false, problem: 'not active' };
}
