/**
 * The tokens of one user at one server, and their life: opened when first needed, renewed once however many calls wait,
 * kept while renewing fails for a moment, given up when the authorization server says that they are over.
 */
import type { BearerChallenge } from '../../../oauth/challenge.ts';
import { scopesIn } from '../../../oauth/challenge.ts';
import type { Granted } from '../../../oauth/token-endpoint.ts';
import type { AccountLinkPrompt } from '../../../pipeline/contracts/accounts.ts';
import { messageOf } from '../../../protocol/result.ts';
import { inBackground } from '../../../telemetry/background.ts';
import type { Credential, CredentialHeaders, CredentialState, Ready } from '../contract.ts';
import { StepUps } from './step-ups.ts';
import type { Account } from './vault.ts';

/** What an account needs of its server. */
export interface AccountHost {
  /** Why no credential goes there at the moment; for the operator. */
  blocked(): string | undefined;
  /** Were these tokens issued for this server, by the authorization server that was agreed to? */
  fits(account: Account): boolean;
  /** Asks the server whose tokens it wants. What it says is known afterwards. */
  verifyIssuer(): Promise<void>;
  load(user: string): Promise<Account | undefined>;
  /** Durable when it resolves. False when the account was disconnected meanwhile. */
  replace(account: Account): Promise<boolean>;
  forget(user: string): void;
  renew(account: Account, refresh: string): Promise<Granted>;
  invite(user: string, wanted: readonly string[]): AccountLinkPrompt;
}

/** Renewed this long before the end, in milliseconds, but not before three quarters of its life. */
const earlyMs = 60_000;
const firstPauseMs = 1_000;
const maxPauseMs = 30_000;

interface Held {
  readonly account: Account;
  readonly headers: CredentialHeaders;
  readonly renewAt: number;
  readonly endsAt: number;
  /** When the token came, if it came by renewing. */
  readonly renewedAt?: number;
}

export class AccountCredential implements Credential {
  readonly user: string;
  readonly #host: AccountHost;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #stepUps: StepUps;
  #loaded = false;
  #held: Held | undefined;
  #working: Promise<Ready> | undefined;
  /** Renewed and not stored yet: the old refresh token is gone, so this must not be lost. */
  #unsaved: Account | undefined;
  /** Why the account must be connected again. */
  #ended: string | undefined;
  #failure: { readonly state: 'expiring' | 'broken'; readonly problem: string; readonly until: number } | undefined;
  #pause = firstPauseMs;

  constructor(user: string, host: AccountHost, now: () => number = Date.now) {
    this.user = user;
    this.#host = host;
    this.#now = now;
    this.#stepUps = new StepUps(now);
  }

  ready(): Ready | Promise<Ready> {
    const blocked = this.#host.blocked();
    if (blocked !== undefined) return { ok: false, problem: blocked };
    const now = this.#now();
    const held = this.#held;
    // Tokens go to the server that they were issued for, and nowhere else.
    if (held !== undefined && !this.#host.fits(held.account)) return this.#work();
    if (held !== undefined && now < held.renewAt) return { ok: true, headers: held.headers };
    if (held !== undefined && now < held.endsAt) {
      // Still good: the call does not wait for the next one.
      if (this.#failure === undefined || now >= this.#failure.until) inBackground('renew account', this.#work());
      return { ok: true, headers: held.headers };
    }
    if (this.#failure !== undefined && now < this.#failure.until) return { ok: false, problem: this.#failure.problem };
    return this.#work();
  }

  current(): CredentialHeaders {
    const held = this.#held;
    if (held === undefined || held.endsAt === 0 || this.#host.blocked() !== undefined) return {};
    return this.#host.fits(held.account) ? held.headers : {};
  }

  secrets(): readonly string[] {
    if (this.#held === undefined) return [];
    const { token, refresh } = this.#held.account;
    return refresh === undefined ? [token] : [token, refresh];
  }

  refused(headers: CredentialHeaders): boolean {
    const held = this.#held;
    // Others may have learned it before, and have a new one already.
    if (held === undefined || held.headers !== headers || held.endsAt === 0) return true;
    this.#held = { ...held, renewAt: 0, endsAt: 0 };
    const now = this.#now();
    // The refused token is fresh, so another one would be refused as well.
    if (held.renewedAt !== undefined && now - held.renewedAt < maxPauseMs)
      this.#fail('broken', 'the server refuses the token that was just made for it', maxPauseMs);
    return true;
  }

  insufficient(challenge: BearerChallenge, operation: string): AccountLinkPrompt | undefined {
    const held = this.#held;
    if (challenge.error !== 'insufficient_scope' || held === undefined) return undefined;
    const missing = challenge.scopes.filter((scope) => !held.account.scopes.includes(scope));
    // The token already has these scopes, so step-up would not help.
    if (missing.length === 0 || !this.#stepUps.mayAsk(operation, held.account)) return undefined;
    return this.#host.invite(this.user, missing);
  }

  onConnected(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  state(): { state: CredentialState; expiresAt?: number; problem?: string } {
    const blocked = this.#host.blocked();
    if (blocked !== undefined) return { state: 'reauthorize', problem: blocked };
    const held = this.#held;
    const failed = this.#failure;
    if (held !== undefined && this.#now() < held.endsAt) {
      const until = held.endsAt === Number.POSITIVE_INFINITY ? {} : { expiresAt: held.endsAt };
      return failed === undefined
        ? { state: 'connected', ...until }
        : { state: 'expiring', ...until, problem: failed.problem };
    }
    if (failed !== undefined) return { state: failed.state, problem: failed.problem };
    if (this.#ended !== undefined) return { state: 'reauthorize', problem: this.#ended };
    return { state: 'unused' };
  }

  /** What an authorization server has granted; `undefined` when the account is not connected. */
  async scopes(): Promise<readonly string[]> {
    if (!this.#loaded) await this.#work();
    return this.#held?.account.scopes ?? [];
  }

  /** A user has just agreed. */
  connected(account: Account): void {
    this.#take(account);
    for (const listener of this.#listeners) listener();
  }

  get isConnected(): boolean {
    return this.#held !== undefined;
  }

  /** The account was removed. */
  disconnected(): void {
    this.#held = undefined;
    this.#unsaved = undefined;
    this.#failure = undefined;
  }

  get isIdle(): boolean {
    return this.#working === undefined && this.#unsaved === undefined && this.#listeners.size === 0;
  }

  #work(): Promise<Ready> {
    this.#working ??= this.#obtain()
      .catch((error: unknown): Ready => this.#failed(messageOf(error)))
      .finally(() => {
        this.#working = undefined;
      });
    return this.#working;
  }

  async #obtain(): Promise<Ready> {
    if (this.#unsaved !== undefined) return this.#save(this.#unsaved);
    let held = this.#held;
    if (!this.#loaded || held !== undefined) held = await this.#reload();
    if (held === undefined) return this.#withAccountLink(this.#ended ?? 'the user has not connected an account');
    if (!this.#host.fits(held.account))
      return this.#end('the server, or its authorization server, is another one now', { forget: true });
    if (this.#now() < held.renewAt) return { ok: true, headers: held.headers };
    await this.#host.verifyIssuer();
    const blocked = this.#host.blocked();
    if (blocked !== undefined) return { ok: false, problem: blocked };
    const { refresh } = held.account;
    if (refresh === undefined) return this.#end('the token is over, and there is none to renew it', { forget: false });
    const granted = await this.#host.renew(held.account, refresh);
    // Meanwhile the account was connected anew or disconnected.
    if (this.#held !== held)
      return this.#held === undefined
        ? this.#withAccountLink('the account was disconnected')
        : { ok: true, headers: this.#held.headers };
    if (granted.ok) return this.#save(renewed(held.account, granted, this.#now()));
    // A client that the gateway registered is gone for good. One that the operator registered works again when its secret
    // is put right: what users have agreed to is not thrown away for that.
    const clientGone = granted.error === 'invalid_client' && held.account.client !== undefined;
    if (granted.reauthorize === true || clientGone) return this.#end(granted.problem, { forget: true });
    return this.#failed(granted.problem, granted.lasting ? 'broken' : 'expiring');
  }

  /** The account as it is stored: another process of the same gateway may have renewed or removed it. */
  async #reload(): Promise<Held | undefined> {
    const before = this.#held;
    const stored = await this.#host.load(this.user);
    // The user has connected it while it was read.
    if (this.#held !== before) return this.#held;
    this.#loaded = true;
    if (stored === undefined) this.#held = undefined;
    else if (stored.token !== before?.account.token) this.#take(stored);
    return this.#held;
  }

  /** Stored before it is used: a crash in between must not leave a refresh token that was used up. */
  async #save(account: Account): Promise<Ready> {
    this.#unsaved = account;
    if (!(await this.#host.replace(account))) {
      this.disconnected();
      return this.#withAccountLink('the account was disconnected');
    }
    const headers = this.#take(account, this.#now());
    return { ok: true, headers };
  }

  #take(account: Account, renewedAt?: number): CredentialHeaders {
    const endsAt = account.expiresAt ?? Number.POSITIVE_INFINITY;
    const life = endsAt - account.issuedAt;
    const headers = { authorization: `Bearer ${account.token}` };
    this.#held = {
      account,
      headers,
      endsAt,
      renewAt: account.refresh === undefined ? endsAt : Math.max(endsAt - earlyMs, account.issuedAt + life * 0.75),
      ...(renewedAt === undefined ? {} : { renewedAt }),
    };
    this.#loaded = true;
    this.#unsaved = undefined;
    this.#ended = undefined;
    this.#failure = undefined;
    this.#pause = firstPauseMs;
    return headers;
  }

  #withAccountLink(problem: string): Ready {
    return { ok: false, problem, prompt: this.#host.invite(this.user, []) };
  }

  #end(problem: string, { forget }: { readonly forget: boolean }): Ready {
    this.#held = undefined;
    this.#failure = undefined;
    this.#ended = problem;
    if (forget) this.#host.forget(this.user);
    return this.#withAccountLink(problem);
  }

  #failed(problem: string, state: 'expiring' | 'broken' = 'expiring'): Ready {
    this.#fail(state, problem, state === 'broken' ? maxPauseMs : this.#pause);
    this.#pause = Math.min(this.#pause * 2, maxPauseMs);
    const held = this.#held;
    // A transient failure leaves the token in use until it expires (RFC 6749, 5.2).
    return held !== undefined && this.#now() < held.endsAt
      ? { ok: true, headers: held.headers }
      : { ok: false, problem };
  }

  #fail(state: 'expiring' | 'broken', problem: string, pause: number): void {
    this.#failure = { state, problem, until: this.#now() + pause };
  }
}

/** A refresh token that is not replaced stays good (RFC 6749, 6). */
function renewed(before: Account, granted: Granted & { ok: true }, now: number): Account {
  const { expiresAt: _ended, ...kept } = before;
  return {
    ...kept,
    token: granted.token,
    issuedAt: now,
    ...(granted.refresh === undefined ? {} : { refresh: granted.refresh }),
    ...(granted.scope === undefined ? {} : { scopes: scopesIn(granted.scope) }),
    ...(granted.lifetime === undefined ? {} : { expiresAt: now + granted.lifetime }),
  };
}
