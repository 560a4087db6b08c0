/** Authorization servers whose access tokens are accepted, and what their claims mean. */
import { z } from 'zod';
import { duration, name, oneOrMore, secret } from '../../../config/schema/units.ts';

const url = z.url({ protocol: /^https?$/ });
/** A claim by its name, or a path into it: `act.sub`. */
const claim = z.string().min(1).max(256);

/** RFC 7518 and RFC 8037, signatures by a private key only: with `none` or HMAC a verifier could sign as well. */
export const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const claims = z
  .strictObject({
    user: oneOrMore(claim).prefault('sub').describe('The first of these claims names the user.'),
    agent: oneOrMore(claim)
      .prefault(['act.sub', 'client_id', 'azp'])
      .describe('The first of these claims names the agent.'),
    application: oneOrMore(claim).optional().describe('The first of these claims names the application.'),
    roles: oneOrMore(claim).optional().describe('Claims with roles. None by default.'),
    groups: oneOrMore(claim).prefault('groups').describe('Claims with groups.'),
    scopes: oneOrMore(claim).prefault(['scope', 'scp']).describe('Claims with scopes: a list, or text with blanks.'),
    attributes: z
      .record(z.string().min(1).max(128), claim)
      .default({})
      .describe('Attributes for conditions, each from a claim.'),
  })
  .describe('What the claims of a token say about the caller.');

const issuer = z.strictObject({
  issuer: url.describe('The issuer, exactly as `iss` says it.'),
  resourceServer: z
    .boolean()
    .default(true)
    .describe('Named to clients as an authorization server of the endpoints (RFC 9728).'),
  keys: z
    .union([
      z.literal('discover'),
      z.strictObject({ url: url.describe('A JWK set.') }),
      z.strictObject({ file: z.string().min(1).max(4096).describe('A file with a JWK set.') }),
    ])
    .default('discover')
    .describe('Where the public keys are: found through the metadata of the issuer, at a URL, or in a file.'),
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .default(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'])
    .describe('Signature algorithms that are accepted.'),
  type: z
    .string()
    .max(64)
    .optional()
    .describe('The `typ` that tokens must have, such as at+jwt. Without it at+jwt and JWT are accepted, or none.'),
  skew: duration.prefault('30s').describe('How far clocks may differ; at most 5m.'),
  maxAge: duration.optional().describe('A token is refused when it was issued longer ago.'),
  introspection: z
    .strictObject({
      url: url.describe('The introspection endpoint (RFC 7662).'),
      clientId: z.string().min(1).max(256).describe('Who we are there.'),
      clientSecret: secret,
    })
    .optional()
    .describe('Where to ask about tokens that are no JWT.'),
  signIn: z
    .strictObject({
      clientId: z.string().min(1).max(2048).describe('Who the gateway is there.'),
      clientSecret: secret.optional().describe('Its secret; without one it is a public client.'),
      scopes: z.array(z.string().min(1).max(128)).default(['openid']).describe('Scopes to ask for.'),
    })
    .optional()
    .describe('OpenID Connect sign-in: how a user of this issuer proves in a browser who it is (connect page).'),
  claims: claims.prefault({}),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 . _ : / -')
    .optional()
    .describe('Put before the names of its users, agents and applications. Two issuers never share one.'),
  unknown: z
    .enum(['accept', 'refuse'])
    .default('accept')
    .describe('Users, agents and applications that are not named under callers.'),
  trust: z
    .enum(['untrusted', 'standard', 'trusted'])
    .default('standard')
    .describe('How far callers are trusted that are not named under callers.'),
});

export const issuers = z.record(name, issuer).default({});

export type IssuerConfig = z.output<typeof issuer>;
