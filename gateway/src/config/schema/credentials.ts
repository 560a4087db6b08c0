/** What the gateway presents to a server. */
import { z } from 'zod';
import { callerName, name, oneOrMore, secret } from './units.ts';

const url = z.url({ protocol: /^https?$/ });

const place = {
  issuer: url.optional().describe('The authorization server; its token endpoint is found through its metadata.'),
  tokenUrl: url.optional().describe('The token endpoint, where the server has no metadata.'),
};

const client = {
  clientId: z.string().min(1).max(2048).describe('Who the gateway is there.'),
  clientSecret: secret.optional().describe('Its secret, sent as basic authentication.'),
  privateKey: secret.optional().describe('A private key (PKCS #8 or JWK) instead of a secret: private_key_jwt.'),
  algorithm: z
    .enum(['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA'])
    .default('ES256')
    .describe('Signature algorithm of the private key.'),
  keyId: z.string().max(256).optional().describe('The `kid` of the private key.'),
};

const wish = {
  scopes: z.array(z.string().min(1).max(128)).default([]).describe('Scopes to ask for.'),
  resource: url.optional().describe('The resource to ask for; the URL of the server when not given.'),
};

const oauth = {
  ...place,
  ...client,
  ...wish,
  audience: z.string().max(2048).optional().describe('The audience to ask for, where the server wants one.'),
};

const wantsServer = (value: { issuer?: string | undefined; tokenUrl?: string | undefined }) =>
  value.issuer !== undefined || value.tokenUrl !== undefined;
const oneProof = (value: { clientSecret?: string | undefined; privateKey?: string | undefined }) =>
  (value.clientSecret === undefined) !== (value.privateKey === undefined);
const serverMissing = 'must say issuer or tokenUrl';
const proofWrong = 'must have exactly one of clientSecret and privateKey';

const kinds = {
  bearer: secret.optional().describe('A token, sent as Authorization: Bearer.'),
  apiKey: z
    .strictObject({
      header: z
        .string()
        .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header')
        .describe('The header that carries it.'),
      value: secret,
    })
    .optional()
    .describe('A key in a header of its own.'),
  basic: z
    .strictObject({
      user: z.string().regex(/^[^:\x00-\x1f\x7f]{1,256}$/, 'must be a name without a colon'),
      password: secret,
    })
    .optional()
    .describe('A name and a password.'),
  clientCredentials: z
    .strictObject(oauth)
    .refine(wantsServer, serverMissing)
    .refine(oneProof, proofWrong)
    .optional()
    .describe('A token that the gateway gets for itself (OAuth client credentials).'),
  tokenExchange: z
    .strictObject({
      ...oauth,
      actor: z.boolean().default(false).describe('Also present a token of the gateway, as the one who acts.'),
    })
    .refine(wantsServer, serverMissing)
    .refine(oneProof, proofWrong)
    .optional()
    .describe('A token on behalf of each caller, made from the one that it presented (RFC 8693).'),
  idJag: z
    .strictObject({
      provider: z
        .strictObject({ ...place, ...client })
        .refine(wantsServer, serverMissing)
        .refine(oneProof, proofWrong)
        .describe('The identity provider of the callers, and who the gateway is there.'),
      subject: z
        .enum(['access-token', 'id-token'])
        .default('access-token')
        .describe('What the token that a caller presents is to the identity provider.'),
      issuer: url.describe('The authorization server of this server: the assertion is made for it.'),
      tokenUrl: place.tokenUrl,
      ...client,
      ...wish,
    })
    .refine(oneProof, proofWrong)
    .optional()
    .describe('A token on behalf of each caller, for which its identity provider vouches (ID-JAG).'),
  workloadIdentity: z
    .strictObject({
      ...place,
      clientId: client.clientId,
      assertion: secret.describe('The JWT by which the platform says who the gateway is: a file that it renews.'),
      ...wish,
    })
    .refine(wantsServer, serverMissing)
    .optional()
    .describe('A token that the gateway gets for the identity of its platform (RFC 7523, 2.1).'),
};

/** Only as the credential of a whole server: a user has one account there. */
const ofUsers = {
  authorizationCode: z
    .strictObject({
      issuer: place.issuer.describe(
        'The authorization server. Without it the one counts that the server names when the first account is connected.',
      ),
      clientId: client.clientId
        .optional()
        .describe('Who the gateway is there. Without it the gateway registers itself.'),
      clientSecret: client.clientSecret.describe('Its secret.'),
      privateKey: client.privateKey,
      algorithm: client.algorithm,
      keyId: client.keyId,
      scopes: wish.scopes.describe('Scopes to ask for, where the server does not say which it wants.'),
    })
    .refine(
      ({ clientId, issuer }) => clientId === undefined || issuer !== undefined,
      'must say issuer: a clientId is worth something at one authorization server only',
    )
    .refine(
      ({ clientId, clientSecret, privateKey }) =>
        (clientSecret ?? privateKey) === undefined ||
        (clientId !== undefined && (clientSecret === undefined || privateKey === undefined)),
      'must say clientId, and clientSecret or privateKey but not both',
    )
    .optional()
    .describe('The account that each user has at the server, connected in a browser (OAuth authorization code).'),
};

type Kinds = { readonly [Kind in keyof typeof kinds | keyof typeof ofUsers]?: unknown };
const exactlyOne = (value: Kinds) =>
  Object.keys({ ...kinds, ...ofUsers }).filter((kind) => value[kind as keyof Kinds] !== undefined).length === 1;
const kindsWrong = `must have exactly one of ${Object.keys(kinds).join(', ')}`;

const orUsers = `${kindsWrong}, ${Object.keys(ofUsers).join(', ')}`;

export const credential = z
  .strictObject({ ...kinds, ...ofUsers })
  .refine(exactlyOne, orUsers)
  .optional()
  .describe('What the gateway presents to this server. The credential of the caller never goes there.');

export const credentials = z
  .array(
    z
      .strictObject({
        for: z
          .strictObject({
            tier: z.enum(['read', 'write', 'destructive']).optional().describe('Calls of tools of this tier.'),
            user: oneOrMore(callerName).optional().describe('Calls of these users.'),
            agent: oneOrMore(callerName).optional().describe('Calls of these agents.'),
            application: oneOrMore(callerName).optional().describe('Calls of these applications.'),
            role: oneOrMore(name).optional().describe('Calls of callers with one of these roles.'),
          })
          .refine((value) => Object.keys(value).length > 0, 'must say for which tier or caller')
          .describe('Which calls: every key that is given must match.'),
        ...kinds,
      })
      .refine(exactlyOne, kindsWrong),
  )
  .max(64)
  .default([])
  .describe('Credentials for some calls only; the first that fits counts, before `credential`.');

export type CredentialConfig = NonNullable<z.output<typeof credential>>;
export type OAuthConfig = NonNullable<CredentialConfig['clientCredentials']>;
export type IdJagConfig = NonNullable<CredentialConfig['idJag']>;
export type WorkloadIdentityConfig = NonNullable<CredentialConfig['workloadIdentity']>;

/** Made from the token that a caller presented, so that one must be kept while the caller is known. */
export function needsCallerToken(config: CredentialConfig | undefined): boolean {
  return config?.tokenExchange !== undefined || config?.idJag !== undefined;
}
export type AuthorizationCodeConfig = NonNullable<CredentialConfig['authorizationCode']>;
