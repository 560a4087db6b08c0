/** Tokens, proofs, and the documents of issuers. A token of another text than the one that was signed is none. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Fetch } from '../../../gateway/src/egress/fetch.ts';
import { proofProblem, UsedProofs } from '../../../gateway/src/stages/authenticate/dpop/proof.ts';
import { introspect } from '../../../gateway/src/stages/authenticate/jwt/introspect.ts';
import { IssuerKeys } from '../../../gateway/src/stages/authenticate/jwt/keys.ts';
import type { IssuerConfig } from '../../../gateway/src/stages/authenticate/jwt/options.ts';
import { audiencesOf, readToken, verifyToken } from '../../../gateway/src/stages/authenticate/jwt/verify.ts';
import type { Check } from '../in-process.ts';
import { mutateText, mutateValue } from '../mutate.ts';
import type { Random } from '../random.ts';

/** PKCS #8 around 32 bytes (RFC 8410, 7): the same key at each start, so that a file repeats an input. */
const key: KeyObject = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});
const jwk = { ...createPublicKey(key).export({ format: 'jwk' }), kid: 'k', alg: 'EdDSA', use: 'sig' };
const issuer: Pick<IssuerConfig, 'issuer' | 'keys' | 'algorithms' | 'skew'> = {
  issuer: 'https://issuer.example',
  keys: { url: 'https://issuer.example/jwks' },
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  skew: 30_000,
};
const nowMs = 1_800_000_000_000;
const header = { alg: 'EdDSA', kid: 'k', typ: 'at+jwt' };
const claims = { iss: issuer.issuer, sub: 'dana', aud: ['https://a.example'], exp: 1_800_000_600, iat: 1_800_000_000 };
const encoded = (text: string): string => Buffer.from(text).toString('base64url');

/** A token of these texts with a signature that fits. */
export function signedToken(headerText: string, claimsText: string): string {
  const text = `${encoded(headerText)}.${encoded(claimsText)}`;
  return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
}

export const publicSet = { keys: [jwk] };
const good = signedToken(JSON.stringify(header), JSON.stringify(claims));
const proof = signedToken(
  JSON.stringify({ alg: 'EdDSA', typ: 'dpop+jwt', jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x } }),
  JSON.stringify({ htm: 'POST', htu: 'https://a.example/mcp', iat: 1_800_000_000, jti: 'j', ath: 'x' }),
);

const answering =
  (text: string): Fetch =>
  async () => ({ ok: true, status: 200, headers: {}, text });
const silent = { warn: (): void => {} };
const trusted = new IssuerKeys(issuer, answering(JSON.stringify(publicSet)), silent);

async function verified(token: string) {
  const parts = readToken(token);
  if (parts === undefined) return undefined;
  const result = await verifyToken(token, parts, { issuer: issuer as IssuerConfig, keys: trusted, now: nowMs });
  if (!result.ok) return undefined;
  audiencesOf(result.claims);
  return { ...parts, claims: result.claims };
}

const kinds: Readonly<Record<string, (text: string) => Promise<string | undefined>>> = {
  async changed(token) {
    return (await verified(token)) !== undefined && token !== good ? 'a changed token is accepted' : undefined;
  },
  async signed(text) {
    const at = text.indexOf('\n');
    const found = await verified(signedToken(text.slice(0, at), text.slice(at + 1)));
    if (found === undefined) return undefined;
    if (found.claims.iss !== issuer.issuer || found.header.alg !== 'EdDSA') return 'another issuer or algorithm';
    return Number(found.claims.exp) * 1_000 + 30_000 > nowMs ? undefined : 'an expired token is accepted';
  },
  async keys(document) {
    for (const where of [issuer.keys, 'discover'] as const)
      await new IssuerKeys({ ...issuer, keys: where }, answering(document), silent).find('EdDSA', 'k');
    return undefined;
  },
  async introspection(document) {
    const asked = { url: 'https://issuer.example/i', clientId: 'a', clientSecret: 'b' };
    const result = await introspect('t', asked, answering(document));
    return result.ok && result.claims.active !== true ? 'not active, and accepted' : undefined;
  },
  async proof(text) {
    const asked = { token: 't', thumbprint: 'x', method: 'POST', url: 'https://a.example/mcp', body: undefined };
    const problem = await proofProblem({ ...asked, proof: text, digestRequired: false }, new UsedProofs(), nowMs);
    return problem === undefined ? 'a proof for another token is accepted' : undefined;
  },
};

const documents = {
  keys: publicSet,
  introspection: { active: false, sub: 'dana', client_id: 'bot', exp: 1_800_000_600, scope: 'read' },
};

/** A document as JSON, changed as a value, as text, both, or not at all. */
export function changedDocument(value: unknown, random: Random): string {
  const text = JSON.stringify(random.chance(0.7) ? mutateValue(value, random) : value) ?? 'null';
  return random.chance(0.5) ? mutateText(text, random) : text;
}

function makeText(random: Random): string {
  switch (random.below(5)) {
    case 0:
      return `changed\n${mutateText(good, random)}`;
    case 1:
      return `signed\n${changedDocument(header, random).replaceAll('\n', ' ')}\n${changedDocument(claims, random)}`;
    case 2:
      return `keys\n${changedDocument({ ...documents.keys, issuer: issuer.issuer, jwks_uri: 'https://issuer.example/jwks' }, random)}`;
    case 3:
      return `introspection\n${changedDocument(documents.introspection, random)}`;
    default:
      return `proof\n${mutateText(proof, random)}`;
  }
}

export const identity: Check = {
  name: 'tokens and issuers',
  make: (random) => Buffer.from(makeText(random)),
  open: async () => (input) => {
    const text = input.toString();
    const at = text.indexOf('\n');
    const name = text.slice(0, at);
    return Object.hasOwn(kinds, name) ? kinds[name]?.(text.slice(at + 1)) : undefined;
  },
};
