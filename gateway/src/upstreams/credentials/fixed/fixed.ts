/** Credentials that are what they are: a bearer token, a key in a header of its own, a name and a password. */
import type { CredentialConfig } from '../../../config/schema/credentials.ts';
import type { Credential, CredentialHeaders, CredentialKind } from '../contract.ts';

export function fixedCredential(config: CredentialConfig): CredentialKind | undefined {
  const made = headersOf(config);
  if (made === undefined) return undefined;
  const { headers, secrets } = made;
  let state: 'unused' | 'connected' | 'broken' = 'unused';
  const credential: Credential = {
    ready() {
      if (state === 'unused') state = 'connected';
      return { ok: true, headers };
    },
    current: () => headers,
    secrets: () => secrets,
    refused() {
      state = 'broken';
      return false;
    },
    state: () => ({ state }),
  };
  return { perCaller: false, of: () => credential, all: () => [['', credential]] };
}

function headersOf({
  bearer,
  apiKey,
  basic,
}: CredentialConfig): { readonly headers: CredentialHeaders; readonly secrets: readonly string[] } | undefined {
  if (bearer !== undefined) return { headers: { authorization: `Bearer ${bearer}` }, secrets: [bearer] };
  if (apiKey !== undefined)
    return { headers: { [apiKey.header.toLowerCase()]: apiKey.value }, secrets: [apiKey.value] };
  if (basic === undefined) return undefined;
  // RFC 7617: UTF-8, and no colon in the name, which the schema sees to.
  const encoded = Buffer.from(`${basic.user}:${basic.password}`).toString('base64');
  return { headers: { authorization: `Basic ${encoded}` }, secrets: [basic.password, encoded] };
}
