/** An operator, and what it carries. Times in milliseconds since the epoch. */
import type { OperatorRole } from './roles.ts';

/** An operator as it was. */
export type OperatorVersion = Pick<Operator, 'id' | 'version'>;

export interface Operator {
  readonly id: string;
  /** What people and records call it; never given to another one. */
  readonly name: string;
  readonly role: OperatorRole;
  /** Servers whose approvals it sees and decides; absent: all. */
  readonly servers?: readonly string[];
  /** The user that this person is where it calls as a client, so that a requester does not approve its own call. */
  readonly user?: string;
  /** It is an operator by this group of an issuer, for as long as the configuration says so. */
  readonly group?: OperatorGroup;
  readonly createdAt: number;
  readonly revokedAt?: number;
  /** Grows with each change: the ETag of the admin API. */
  readonly version: number;
}

export interface OperatorGroup {
  readonly issuer: string;
  readonly group: string;
}

export interface Passkey {
  /** Credential id of WebAuthn, base64url. */
  readonly id: string;
  readonly operator: string;
  readonly name: string;
  /** COSE key, base64url. */
  readonly publicKey: string;
  readonly counter: number;
  readonly createdAt: number;
}

export interface OperatorToken {
  readonly id: string;
  readonly operator: string;
  readonly name: string;
  readonly role: OperatorRole;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt?: number;
  readonly lastUsedAt?: number;
}

export interface Session {
  /** Public name. */
  readonly id: string;
  readonly operator: string;
  readonly means: 'passkey' | 'password' | 'oidc';
  readonly createdAt: number;
  /** When it was last proven who is there. */
  readonly provenAt: number;
  readonly idleAt: number;
  readonly endsAt: number;
}

/** A one-time link: it makes an operator, or gives one another passkey or password. */
export interface Link {
  readonly name?: string;
  /** The operator that it is for, where there is one already. */
  readonly operator?: string;
  readonly role: OperatorRole;
  readonly servers?: readonly string[];
  readonly user?: string;
  readonly endsAt: number;
}

export const operatorBounds = {
  operators: 1_000,
  passkeysOfOne: 20,
  tokensOfOne: 50,
  sessionsOfOne: 20,
  links: 200,
  /** Milliseconds without a request after which a session is over, and after which it is over in any case. */
  idleMs: 30 * 60_000,
  sessionMs: 12 * 3_600_000,
  /** For how long a sign-in counts as a proof of who is there now. */
  freshMs: 5 * 60_000,
  linkMs: 24 * 3_600_000,
  maxTokenMs: 366 * 86_400_000,
} as const;
