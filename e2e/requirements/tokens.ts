/** What the authorization specification of MCP and its RFCs ask of a gateway. Tests quote these by their number alone. */
import { from, inFile } from './requirement.ts';

export const tokens = from('MCP 2026-07-28 authorization, RFC 6750, 8414, 8705, 8707, 9207, 9728', [
  {
    id: 'T1',
    text: 'A token in the query is not accepted.',
    proofs: inFile('e2e/attacks/tokens.test.ts', '1 token in the query is refused'),
  },
  {
    id: 'T2',
    text: 'A token for another audience gets 401.',
    proofs: inFile('e2e/attacks/tokens.test.ts', '2 wrong audience', '2 token of another resource of the same gateway'),
  },
  {
    id: 'T3',
    text: 'A token without an audience gets 401.',
    proofs: inFile('e2e/attacks/tokens.test.ts', '3 missing audience'),
  },
  {
    id: 'T4',
    text: 'A token that is expired, not yet valid or without an end gets 401.',
    proofs: inFile('e2e/attacks/tokens.test.ts', '4 expired, not valid yet, issued in the future, without an end'),
  },
  {
    id: 'T5',
    text: 'No algorithm or key but those of the issuer verifies a token: neither none, nor HMAC with a public key, nor what the token brings along.',
    proofs: inFile(
      'e2e/attacks/tokens.test.ts',
      '5 alg none',
      '5 HS/RS confusion: HMAC with the public key of the issuer',
      '5 an algorithm that the issuer may not use, and a key of another kind',
      '5 a key that the token brings along: jwk, jku and x5u in the header are not looked at',
      '5 typ of something else: an ID token or a logout token is no access token',
      '5 unknown critical header',
    ),
  },
  {
    id: 'T6',
    text: 'An unknown key id leads to one more fetch of the keys, limited in its rate.',
    proofs: inFile(
      'e2e/attacks/issuer-keys.test.ts',
      '6 unknown kid: one more fetch of the keys, however many tokens come (kid flooding)',
      '6 a key that is published after the others were read: fetched at once, and not again in half a minute',
      '6 an issuer that ${trouble} at first: tokens are accepted as soon as it answers',
      '6 an issuer that ends: what is known goes on, what is not known is 503 and not 401',
    ),
  },
  {
    id: 'T7',
    text: 'A missing scope gets 403 with exactly the scopes of the operation.',
    proofs: inFile(
      'e2e/attacks/tokens.test.ts',
      '7 missing scope: 403 with exactly the scopes of the operation',
      '7 scope claims are not sufficient without policy',
    ),
  },
  {
    id: 'T8',
    text: 'Each route has its protected resource metadata, whose resource is the public URL.',
    proofs: inFile(
      'e2e/attacks/tokens.test.ts',
      '8 and 9 metadata of each route names the public URL, whatever the Host header says',
    ),
  },
  {
    id: 'T9',
    text: 'A 401 names the metadata and the scopes.',
    proofs: inFile(
      'e2e/attacks/tokens.test.ts',
      '8 and 9 metadata of each route names the public URL, whatever the Host header says',
      '9 a 401 without credentials has resource_metadata and scope, and no error',
    ),
  },
  {
    id: 'T10',
    text: 'The token of a client reaches no server, in any header.',
    proofs: inFile('e2e/attacks/tokens.test.ts', '10 the token of the client never reaches a server, in any header'),
  },
  {
    id: 'T11',
    text: 'A 401 or 403 of a server, and its challenge, reach no client.',
    proofs: inFile(
      'e2e/attacks/tokens.test.ts',
      '11 a 401 or 403 of a server does not reach the client, and neither does its challenge',
    ),
  },
  {
    id: 'T12',
    text: 'Metadata that points to an address of a private network is refused.',
    proofs: [
      ...inFile(
        'e2e/attacks/accounts.test.ts',
        '12 a server whose metadata points to 169.254.169.254 is refused, wherever it points there',
      ),
      ...inFile('e2e/attacks/egress.test.ts', '12 metadata that points to 169.254.169.254 is refused'),
    ],
  },
  {
    id: 'T13',
    text: 'A redirect to a private address is refused.',
    proofs: inFile(
      'gateway/src/egress/egress.test.ts',
      '13 a redirect to a private address is refused, also from where the operator pointed',
    ),
  },
  {
    id: 'T14',
    text: 'Tokens and metadata of another issuer are refused.',
    proofs: [
      ...inFile('e2e/attacks/egress.test.ts', '14 metadata of another issuer is not used'),
      ...inFile(
        'e2e/attacks/tokens.test.ts',
        '14 issuer mismatch: unknown issuer, and the keys of one issuer for the name of another',
      ),
    ],
  },
  {
    id: 'T15',
    text: 'Another issuer on the callback is refused before the code is sent.',
    proofs: inFile(
      'e2e/attacks/accounts.test.ts',
      '15 iss mismatch on the callback is refused before the code is sent',
    ),
  },
  {
    id: 'T16',
    text: 'A server that changes its authorization server raises an alarm, and gets no credential of before.',
    proofs: inFile(
      'e2e/attacks/accounts.test.ts',
      '16 a server that changes its authorization server: an alarm, and no credential until an operator agrees',
    ),
  },
  {
    id: 'T17',
    text: 'GET, DELETE and subscriptions/listen are authenticated.',
    proofs: inFile('e2e/attacks/tokens.test.ts', '17 GET, DELETE and listen streams are authenticated'),
  },
  {
    id: 'T18',
    text: 'The end of a token ends its streams.',
    proofs: inFile(
      'e2e/attacks/tokens.test.ts',
      '18 the end of a token ends its streams',
      '18 a session outlives no token: the stream of a legacy session ends with it',
    ),
  },
  {
    id: 'T19',
    text: 'API keys are stored as HMAC only.',
    proofs: inFile(
      'gateway/src/stages/authenticate/authn.test.ts',
      '19 keys are stored as HMAC only, in files that other users cannot read',
    ),
  },
  {
    id: 'T20',
    text: 'A token that is bound to a certificate counts only over a connection with it.',
    proofs: inFile(
      'e2e/attacks/certificates.test.ts',
      '20 a token that is bound to a certificate counts only over a connection with that certificate',
    ),
  },
]);
