/** Sign-in of operators, and the one-time links on which they get a passkey or a password. */
import { randomBytes } from 'node:crypto';
import type { SignedInUser } from '../pipeline/contracts/accounts.ts';
import type { AuditEvent } from '../pipeline/contracts/audit.ts';
import type { JsonObject } from '../protocol/json.ts';
import { admitByGroup, type GroupRole } from './groups.ts';
import type { Link, Operator } from './operator.ts';
import { asserted, passkeyIdOf, type RelyingParty, registered } from './passkeys.ts';
import { hashOf, passwordBounds, passwordFits, stepOfCode } from './passwords.ts';
import type { OperatorStore } from './store.ts';

export interface FailureThrottle {
  /** Milliseconds to wait; 0 when there is no reason to. */
  pause(source: string | undefined, identity: string | undefined, now: number, free: number): number;
  failed(source: string | undefined, identity: string | undefined, now: number, free: number): number;
}

export interface SignInParts {
  readonly store: OperatorStore;
  readonly throttle: FailureThrottle;
  readonly note: (event: AuditEvent) => void;
  /** Of the revision in force. */
  readonly groupRoles: () => readonly GroupRole[];
}

export type SignedIn =
  | { readonly ok: true; readonly operator: Operator; readonly means: 'passkey' | 'password' | 'oidc' }
  | { readonly ok: false; readonly problem: 'wrong' | 'throttled' };

/** What stands at a link that was opened. */
export interface Enrolment {
  readonly text: string;
  readonly link: Link;
  /** Of a link that makes an operator and names none. */
  readonly name: string;
  readonly address: string | undefined;
}

export type Enrolled =
  | { readonly ok: true; readonly operator: Operator }
  | { readonly ok: false; readonly problem: 'over' | 'exists' | 'name' | 'passkey' | 'password' | 'code' | 'full' };

/** Failures that cost nothing. */
const freeFailures = 3;
/** Challenges that were answered, so that an answer counts once; each is forgotten when its time is over anyway. */
const maxAnswered = 1_000;
const challengeMs = 300_000;
/** Between two records of sign-ins that failed. */
const quietMs = 1_000;

export const operatorName = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u;

export class SignIn {
  readonly #parts: SignInParts;
  readonly #answered = new Map<string, number>();
  #refusedAt = 0;
  #unsaid = 0;

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  async withPassword(
    { name, password, code }: { readonly name: string; readonly password: string; readonly code: string },
    address: string | undefined,
  ): Promise<SignedIn> {
    const { store } = this.#parts;
    const now = Date.now();
    if (this.#isThrottled(address, name, now)) return { ok: false, problem: 'throttled' };
    const operator = byItself(store.named(name));
    const known = operator === undefined ? undefined : store.password(operator.id);
    const fits = await passwordFits(password, known?.hash);
    if (fits === 'busy') return { ok: false, problem: 'throttled' };
    const step = known === undefined ? undefined : stepOfCode(known.totp, code, Date.now());
    const isGood = fits && step !== undefined && operator !== undefined && store.useTotp(operator.id, step);
    if (!isGood) return this.#failed(address, name, 'password');
    this.#note('operator-signed-in', operator, address, { means: 'password' });
    return { ok: true, operator, means: 'password' };
  }

  async withPasskey(
    response: unknown,
    { party, challenge }: { readonly party: RelyingParty; readonly challenge: Buffer },
    address: string | undefined,
  ): Promise<SignedIn> {
    const { store } = this.#parts;
    const now = Date.now();
    // It cannot be guessed, so failures of others at the same address do not hold it up.
    const passkey = store.passkey(passkeyIdOf(response) ?? '');
    const operator = passkey === undefined ? undefined : byItself(store.get(passkey.operator));
    const proven = passkey === undefined ? undefined : await asserted(response, passkey, { party, challenge });
    // A challenge counts once, also for an answer that does not fit.
    const isFirstAnswer = this.#answer(challenge, now);
    if (
      passkey === undefined ||
      operator === undefined ||
      proven === undefined ||
      !isFirstAnswer ||
      !store.usePasskey(passkey.id, proven.counter)
    )
      return this.#refused(address, 'passkey');
    this.#note('operator-signed-in', operator, address, { means: 'passkey', passkey: passkey.id });
    return { ok: true, operator, means: 'passkey' };
  }

  /** An issuer has named a user: the one operator that is this user, or the one that its groups make it. */
  withIssuer(signed: SignedInUser, address: string | undefined): SignedIn {
    const { store, groupRoles } = this.#parts;
    const named = store.list().filter((each) => each.user === signed.user && byItself(each) !== undefined);
    const [only, another] = named;
    if (another !== undefined) return this.#failed(address, undefined, 'oidc');
    const admission = only === undefined ? admitByGroup(store, groupRoles(), signed) : undefined;
    const operator = only ?? (admission?.ok === true ? admission.operator : undefined);
    if (operator === undefined) return this.#failed(address, undefined, 'oidc');
    if (admission?.ok === true && admission.change !== 'none') {
      const { role, group = null } = operator;
      const detail = { role, group: group && { ...group }, by: 'group' };
      this.#note(admission.change === 'created' ? 'operator-created' : 'operator-changed', operator, address, detail);
    }
    this.#note('operator-signed-in', operator, address, { means: 'oidc' });
    return { ok: true, operator, means: 'oidc' };
  }

  /** The person at a one-time link gives a passkey. */
  async enrolPasskey(
    enrolment: Enrolment,
    { response, ...ceremony }: { readonly response: unknown; readonly party: RelyingParty; readonly challenge: Buffer },
  ): Promise<Enrolled> {
    const answer = await registered(response, ceremony);
    if (answer === undefined) return { ok: false, problem: 'passkey' };
    const { made, spki } = answer;
    return this.#enrol(enrolment, (operator) => {
      const passkey = { ...made, operator: operator.id, name: 'passkey', createdAt: Date.now() };
      if (!this.#parts.store.addPasskey(passkey)) return false;
      const detail = { passkey: made.id, publicKey: spki };
      this.#note('operator-passkey', operator, enrolment.address, detail);
      return true;
    });
  }

  /** The person at a one-time link chooses a password, and shows that its second factor works. */
  async enrolPassword(
    enrolment: Enrolment,
    { password, code, totp }: { readonly password: string; readonly code: string; readonly totp: string },
  ): Promise<Enrolled> {
    const { minLength, maxLength } = passwordBounds;
    if (password.length < minLength || password.length > maxLength) return { ok: false, problem: 'password' };
    const step = stepOfCode(totp, code, Date.now());
    if (step === undefined) return { ok: false, problem: 'code' };
    const hash = await hashOf(password);
    if (hash === undefined) return { ok: false, problem: 'full' };
    return this.#enrol(enrolment, (operator) => {
      this.#parts.store.setPassword(operator.id, { hash, totp });
      this.#parts.store.useTotp(operator.id, step);
      this.#note('operator-password', operator, enrolment.address, {});
      return true;
    });
  }

  /** A link counts once, for what it then gives. */
  #enrol({ text, link, name, address }: Enrolment, give: (operator: Operator) => boolean): Enrolled {
    const { store } = this.#parts;
    const now = Date.now();
    const wanted = link.name ?? name;
    if (link.operator === undefined && !operatorName.test(wanted)) return { ok: false, problem: 'name' };
    if (link.operator === undefined && store.named(wanted) !== undefined) return { ok: false, problem: 'exists' };
    // A link that names no operator makes the first administrator, and no other.
    const isFirst = !store.list().some((each) => each.role === 'administrator' && each.revokedAt === undefined);
    if (link.operator === undefined && !isFirst) return { ok: false, problem: 'over' };
    if (!store.sessions.takeLink(text, now)) return { ok: false, problem: 'over' };
    if (link.operator !== undefined) {
      const operator = inForce(store.get(link.operator));
      if (operator === undefined) return { ok: false, problem: 'over' };
      return give(operator) ? { ok: true, operator } : { ok: false, problem: 'passkey' };
    }
    const { role, servers, user } = link;
    const created = store.create(
      { name: wanted, role, ...(servers !== undefined && { servers }), ...(user !== undefined && { user }) },
      now,
    );
    if (!created.ok) return { ok: false, problem: created.problem };
    this.#note('operator-created', created.operator, address, { role, by: 'link' });
    return give(created.operator) ? { ok: true, operator: created.operator } : { ok: false, problem: 'passkey' };
  }

  #isThrottled(address: string | undefined, name: string | undefined, now: number): boolean {
    return this.#parts.throttle.pause(address ?? 'unknown', name, now, freeFailures) > 0;
  }

  #failed(address: string | undefined, name: string | undefined, means: string): SignedIn {
    this.#parts.throttle.failed(address ?? 'unknown', name, Date.now(), freeFailures);
    return this.#refused(address, means);
  }

  /** One record for an address and a while, with how many there were: without a credential there can be any number. */
  #refused(address: string | undefined, means: string): SignedIn {
    const now = Date.now();
    if (now - this.#refusedAt < quietMs) {
      this.#unsaid++;
      return { ok: false, problem: 'wrong' };
    }
    const count = this.#unsaid + 1;
    this.#refusedAt = now;
    this.#unsaid = 0;
    this.#parts.note({
      kind: 'operator-refused',
      at: Date.now(),
      detail: { means, count },
      ...(address !== undefined && { address }),
      // It is what was typed, which may be a password in the wrong field.
      problem: 'a sign-in failed',
    });
    return { ok: false, problem: 'wrong' };
  }

  /** True once for each challenge. */
  #answer(challenge: Buffer, now: number): boolean {
    const text = challenge.toString('base64url');
    for (const [known, until] of this.#answered) {
      if (until > now) break;
      this.#answered.delete(known);
    }
    if (this.#answered.has(text) || this.#answered.size >= maxAnswered) return false;
    this.#answered.set(text, now + challengeMs);
    return true;
  }

  #note(kind: AuditEvent['kind'], { name }: Operator, address: string | undefined, detail: JsonObject): void {
    this.#parts.note({
      kind,
      at: Date.now(),
      detail: { operator: name, ...detail },
      ...(address !== undefined && { address }),
    });
  }
}

export function newChallenge(): Buffer {
  return randomBytes(32);
}

function inForce(operator: Operator | undefined): Operator | undefined {
  return operator?.revokedAt === undefined ? operator : undefined;
}

/** In force, and by no group: an operator of a group signs in where its groups are known, and nowhere else. */
function byItself(operator: Operator | undefined): Operator | undefined {
  return operator?.group === undefined ? inForce(operator) : undefined;
}
