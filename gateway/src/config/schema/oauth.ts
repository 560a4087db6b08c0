/** Parts that several sections share: an authorization server, who the gateway is there, and what it asks for. */
import { z } from 'zod';
import { secret } from './units.ts';

export const url = z.url({ protocol: /^https?$/ });

/** Where tokens come from. */
export const place = {
  issuer: url.optional().describe('The authorization server; its token endpoint is found through its metadata.'),
  tokenUrl: url.optional().describe('The token endpoint, where the server has no metadata.'),
};

/** The gateway as a client of an authorization server. */
export const client = {
  clientId: z.string().min(1).max(2048).describe('Who the gateway is there.'),
  clientSecret: secret.optional().describe('Its secret, sent as basic authentication.'),
  privateKey: secret.optional().describe('A private key (PKCS #8 or JWK) instead of a secret: private_key_jwt.'),
  algorithm: z
    .enum(['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA'])
    .default('ES256')
    .describe('Signature algorithm of the private key.'),
  keyId: z.string().max(256).optional().describe('The `kid` of the private key.'),
};

/** What a token is asked for. */
export const grant = {
  scopes: z.array(z.string().min(1).max(128)).default([]).describe('Scopes to ask for.'),
  resource: url.optional().describe('The resource to ask for; the URL of the server when not given.'),
};

const oauth = z.strictObject({
  ...place,
  ...client,
  ...grant,
  audience: z.string().max(2048).optional().describe('The audience to ask for, where the server wants one.'),
});

export const oauthShape = oauth.shape;
export type OAuthConfig = z.output<typeof oauth>;

interface Server {
  readonly issuer?: string | undefined;
  readonly tokenUrl?: string | undefined;
}
interface Proof {
  readonly clientSecret?: string | undefined;
  readonly privateKey?: string | undefined;
}

export const hasServer = [
  ({ issuer, tokenUrl }: Server): boolean => issuer !== undefined || tokenUrl !== undefined,
  'must say issuer or tokenUrl',
] as const;

export const hasOneProof = [
  ({ clientSecret, privateKey }: Proof): boolean => (clientSecret === undefined) !== (privateKey === undefined),
  'must have exactly one of clientSecret and privateKey',
] as const;

/** The URLs of an authorization server to which a secret is sent. */
export function urlsOf({ issuer, tokenUrl }: Server): readonly string[] {
  return [issuer, tokenUrl].filter((each) => each !== undefined);
}
