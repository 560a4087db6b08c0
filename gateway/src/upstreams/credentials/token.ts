/**
 * A token that an authorization server gives out, and its life: fetched once however many calls wait, renewed before it
 * ends, kept while renewing fails for a moment, given up when the server says that it is over.
 */
import type { Granted } from '../../oauth/token-endpoint.ts';
import { messageOf } from '../../protocol/result.ts';
import { inBackground } from '../../telemetry/background.ts';
import type { Credential, CredentialHeaders, CredentialState, Ready } from './contract.ts';

/** Renewed this long before the end, in milliseconds, but not before three quarters of its life. */
const earlyMs = 60_000;
/** Assumed where the server does not say how long a token lives. */
const assumedLifeMs = 300_000;
const firstPauseMs = 1_000;
/** Milliseconds after which further calls do not wait for a request that is under way. */
const refreshTimeoutMs = 2_000;
const maxPauseMs = 30_000;

interface Held {
  readonly headers: CredentialHeaders;
  readonly token: string;
  readonly renewAt: number;
  readonly endsAt: number;
}

export class TokenCredential implements Credential {
  readonly #grant: () => Promise<Granted>;
  readonly #now: () => number;
  #held: Held | undefined;
  #fetching: Promise<Ready> | undefined;
  /** The last failure, and until when it stands for itself. */
  #failure: { readonly state: CredentialState; readonly problem: string; readonly until: number } | undefined;
  #pause = firstPauseMs;
  #askedAt = 0;

  constructor(grant: () => Promise<Granted>, now: () => number = Date.now) {
    this.#grant = grant;
    this.#now = now;
  }

  ready(): Ready | Promise<Ready> {
    const now = this.#now();
    const held = this.#held;
    if (held !== undefined && now < held.renewAt) return { ok: true, headers: held.headers };
    if (held !== undefined && now < held.endsAt) {
      // Still good: the call does not wait for the next one.
      if (this.#failure === undefined || now >= this.#failure.until) inBackground('renew token', this.#fetch());
      return { ok: true, headers: held.headers };
    }
    if (this.#failure !== undefined && now < this.#failure.until) return { ok: false, problem: this.#failure.problem };
    // A token endpoint that hangs must not hold all the calls that a caller may have under way, also to other servers.
    if (this.#fetching !== undefined && now - this.#askedAt > refreshTimeoutMs)
      return { ok: false, problem: `the token endpoint has not answered within ${refreshTimeoutMs} ms` };
    return this.#fetch();
  }

  current(): CredentialHeaders {
    return this.#held?.headers ?? {};
  }

  secrets(): readonly string[] {
    return this.#held === undefined ? [] : [this.#held.token];
  }

  refused(headers: CredentialHeaders): boolean {
    // Others may have learned it before, and have a new one already.
    if (this.#held === undefined || this.#held.headers === headers) this.#held = undefined;
    return true;
  }

  /** The server refused what was just made for it. */
  broken(problem: string): void {
    this.#failure = { state: 'broken', problem, until: this.#now() + maxPauseMs };
  }

  state(): { state: CredentialState; expiresAt?: number; problem?: string } {
    const held = this.#held;
    const failed = this.#failure;
    if (held !== undefined && this.#now() < held.endsAt)
      return failed === undefined
        ? { state: 'connected', expiresAt: held.endsAt }
        : { state: 'expiring', expiresAt: held.endsAt, problem: failed.problem };
    return failed === undefined ? { state: 'unused' } : { state: failed.state, problem: failed.problem };
  }

  #fetch(): Promise<Ready> {
    if (this.#fetching === undefined) this.#askedAt = this.#now();
    this.#fetching ??= this.#grant()
      .catch((error: unknown): Granted => ({ ok: false, lasting: false, problem: text(error) }))
      .then((granted) => this.#take(granted))
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  #take(granted: Granted): Ready {
    const now = this.#now();
    if (granted.ok) {
      const life = granted.lifetime ?? assumedLifeMs;
      const endsAt = Math.min(now + life, granted.notAfter ?? Number.POSITIVE_INFINITY);
      const renewAt = Math.max(endsAt - earlyMs, now + (endsAt - now) * 0.75);
      // One assignment: a call sees the old token or the new one, never a part of each.
      this.#held = { headers: { authorization: `Bearer ${granted.token}` }, token: granted.token, renewAt, endsAt };
      this.#failure = undefined;
      this.#pause = firstPauseMs;
      return { ok: true, headers: this.#held.headers };
    }
    const state = granted.lasting ? (granted.reauthorize === true ? 'reauthorize' : 'broken') : 'expiring';
    const pause = granted.lasting ? maxPauseMs : this.#pause;
    this.#failure = { state, problem: granted.problem, until: now + pause };
    this.#pause = Math.min(this.#pause * 2, maxPauseMs);
    // A permanent failure ends the old token as well; a transient one leaves it in use until it expires (RFC 6749,
    // 5.2).
    if (granted.lasting) this.#held = undefined;
    const held = this.#held;
    return held !== undefined && now < held.endsAt
      ? { ok: true, headers: held.headers }
      : { ok: false, problem: granted.problem };
  }
}

function text(error: unknown): string {
  return messageOf(error);
}
