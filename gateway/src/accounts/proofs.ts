/** Who was proven in which browser, and by which credential: a proof ends with the credential that gave it. */
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { Browser } from './browser.ts';

/** Proofs that are kept at the same time: of all users, and of one. */
const maxProofs = 10_000;
const maxProofsOfUser = 16;

interface Proof {
  readonly user: string;
  /** Absent for a sign-in at an issuer, which gives nothing that could be revoked here. */
  readonly caller: Caller | undefined;
  readonly until: number;
}

/** Only a person proves a person: what an agent or an application holds could be used without its user. */
export function isPerson({ user, agent, application }: Caller): boolean {
  return user !== undefined && agent === undefined && application === undefined;
}

export class Proofs {
  readonly #renew: (caller: Caller) => Caller | undefined;
  /** By the id of the browser, oldest first. */
  readonly #known = new Map<string, Proof>();

  constructor(renew: (caller: Caller) => Caller | undefined) {
    this.#renew = renew;
  }

  add({ id, until }: Browser, user: string, caller: Caller | undefined): void {
    const own = [...this.#known].filter(([, proof]) => proof.user === user);
    if (own.length >= maxProofsOfUser) this.#known.delete(own[0]?.[0] ?? '');
    else if (this.#known.size >= maxProofs) this.#known.delete(this.#known.keys().next().value ?? '');
    this.#known.set(id, { user, caller, until });
  }

  /** The user who is proven in this browser now. */
  user(browser: Browser | undefined): string | undefined {
    const proof = browser === undefined ? undefined : this.#known.get(browser.id);
    if (proof === undefined || browser === undefined || proof.until <= Date.now()) return undefined;
    const { caller } = proof;
    if (caller !== undefined) {
      const now = this.#renew(caller);
      if (now === undefined || !isPerson(now) || now.user !== proof.user) {
        this.#known.delete(browser.id);
        return undefined;
      }
    }
    return browser.user === proof.user ? proof.user : undefined;
  }
}
