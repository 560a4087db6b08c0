/** Passkeys of operators (WebAuthn Level 3): registration, sign-in, and the confirmation of one approval. */
import { createPublicKey } from 'node:crypto';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { Passkey } from './operator.ts';

/** Where pages are: what a browser binds a passkey to. */
export interface RelyingParty {
  /** Such as `https://gateway.example:8809`. */
  readonly origin: string;
  /** Host of the origin. An address cannot have passkeys, `localhost` can. */
  readonly id: string;
}

export function relyingPartyOf(base: string): RelyingParty {
  const { origin, hostname } = new URL(base);
  return { origin, id: hostname };
}

/** Loaded with the first passkey: with what it needs it is a quarter of all modules, and most starts are of no console. */
const library = () => import('@simplewebauthn/server');

/** EdDSA, ES256 and RS256 (COSE): what every verifier knows. */
const algorithms = [-8, -7, -257] as const;

/** What `navigator.credentials.create` is given, as JSON. */
export async function registrationOptions(
  { id }: RelyingParty,
  {
    user,
    name,
    challenge,
    known,
  }: {
    readonly user: string;
    readonly name: string;
    readonly challenge: Uint8Array<ArrayBuffer>;
    readonly known: readonly Passkey[];
  },
) {
  const { generateRegistrationOptions } = await library();
  return generateRegistrationOptions({
    rpName: 'Sallyport',
    rpID: id,
    userName: name,
    userID: Uint8Array.from(Buffer.from(user)),
    challenge,
    attestationType: 'none',
    supportedAlgorithmIDs: [...algorithms],
    excludeCredentials: known.map((passkey) => ({ id: passkey.id })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });
}

/** What `navigator.credentials.get` is given. Without `known` the person chooses among all passkeys of this page. */
export async function assertionOptions(
  { id }: RelyingParty,
  challenge: Uint8Array<ArrayBuffer>,
  known: readonly Passkey[] = [],
) {
  const { generateAuthenticationOptions } = await library();
  return generateAuthenticationOptions({
    rpID: id,
    challenge,
    userVerification: 'required',
    ...(known.length > 0 && { allowCredentials: known.map((passkey) => ({ id: passkey.id })) }),
  });
}

export interface Ceremony {
  readonly party: RelyingParty;
  readonly challenge: Buffer;
}

/** A new passkey; `spki` is its key as others read it (SubjectPublicKeyInfo, DER, base64url). */
export interface Registered {
  readonly made: Pick<Passkey, 'id' | 'publicKey' | 'counter'>;
  readonly spki: string;
}

/**
 * Undefined for what does not verify, and for a key that no verifier could read later. The user must have been verified: a
 * touch alone is no person.
 */
export async function registered(response: unknown, { party, challenge }: Ceremony): Promise<Registered | undefined> {
  if (!isAnswer(response)) return undefined;
  try {
    const { verifyRegistrationResponse } = await library();
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response as unknown as RegistrationResponseJSON,
      expectedChallenge: challenge.toString('base64url'),
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: [...algorithms],
    });
    if (!verified || registrationInfo === undefined) return undefined;
    const { id, publicKey: bytes, counter } = registrationInfo.credential;
    const publicKey = Buffer.from(bytes).toString('base64url');
    const spki = await spkiOf(publicKey);
    return spki === '' ? undefined : { made: { id, publicKey, counter }, spki };
  } catch {
    // The library throws at everything that does not fit.
    return undefined;
  }
}

/** The counter to keep; undefined when it does not verify. */
export async function asserted(
  response: unknown,
  passkey: Passkey,
  { party, challenge }: Ceremony,
): Promise<{ readonly counter: number } | undefined> {
  if (!isAnswer(response)) return undefined;
  try {
    const { verifyAuthenticationResponse } = await library();
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as unknown as AuthenticationResponseJSON,
      expectedChallenge: challenge.toString('base64url'),
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      credential: {
        id: passkey.id,
        publicKey: Uint8Array.from(Buffer.from(passkey.publicKey, 'base64url')),
        counter: passkey.counter,
      },
    });
    return verified ? { counter: authenticationInfo.newCounter } : undefined;
  } catch {
    return undefined;
  }
}

/** The id of the passkey that an answer is of; it proves nothing yet. */
export function passkeyIdOf(response: unknown): string | undefined {
  return isAnswer(response) ? response.id : undefined;
}

const maxText = 16_384;

function isAnswer(value: unknown): value is JsonObject & { readonly id: string; readonly response: JsonObject } {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    isObject(value.response) &&
    JSON.stringify(value).length <= maxText
  );
}

/** What an assertion said and is proven by. Everything in base64url; the key as SubjectPublicKeyInfo (DER). */
export async function proofOf(response: unknown, passkey: Passkey) {
  const { response: parts } = response as { readonly response: Readonly<Record<string, unknown>> };
  const text = (name: string): string => {
    const value = parts[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    kind: 'passkey',
    credential: passkey.id,
    publicKey: await spkiOf(passkey.publicKey),
    authenticatorData: text('authenticatorData'),
    clientData: text('clientDataJSON'),
    signature: text('signature'),
  } as const;
}

/** A COSE key (RFC 9053) as others read it. Empty for a kind that is not known. */
async function spkiOf(publicKey: string): Promise<string> {
  const { cose, decodeCredentialPublicKey } = await import('@simplewebauthn/server/helpers');
  const key = decodeCredentialPublicKey(Uint8Array.from(Buffer.from(publicKey, 'base64url')));
  const text = (label: number): string => {
    const value: unknown = (key as unknown as Map<number, unknown>).get(label);
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : '';
  };
  const jwk = cose.isCOSEPublicKeyEC2(key)
    ? { kty: 'EC', crv: curves.get(Number(key.get(cose.COSEKEYS.crv))) ?? '', x: text(-2), y: text(-3) }
    : cose.isCOSEPublicKeyRSA(key)
      ? { kty: 'RSA', n: text(-1), e: text(-2) }
      : { kty: 'OKP', crv: 'Ed25519', x: text(-2) };
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'der', type: 'spki' }).toString('base64url');
}

const curves: ReadonlyMap<number, string> = new Map([
  [1, 'P-256'],
  [2, 'P-384'],
  [3, 'P-521'],
]);
