/**
 * The accounts of all users at one server: speaks to the authorization server that was agreed to as a client, from the
 * first page to the last renewal.
 */
import type { Fetch } from '../../../egress/fetch.ts';
import type { EgressGuard } from '../../../egress/guard.ts';
import { beginAuthorization, promisesIssuer, readReturn } from '../../../oauth/authorization.ts';
import { scopesIn } from '../../../oauth/challenge.ts';
import type { ServerMetadata } from '../../../oauth/discovery.ts';
import type { RegisteredClient } from '../../../oauth/registration.ts';
import { scopesToAskFor } from '../../../oauth/scopes.ts';
import { askForToken, type Granted } from '../../../oauth/token-endpoint.ts';
import type {
  AccountAttempt,
  AccountLinkPrompt,
  AccountOutcome,
  AccountPlan,
  Accounts,
} from '../../../pipeline/contracts/accounts.ts';
import type { Credential } from '../contract.ts';
import { AccountCredential, type AccountHost } from './account.ts';
import { Authority, tokenPlace } from './authority.ts';
import type { BookParts } from './book.ts';
import { ClientOf } from './client.ts';
import type { AuthorizationCodeOptions } from './options.ts';
import type { Account } from './vault.ts';

/** Users whose tokens are in memory at the same time; those of others are read again when they call. */
const maxUsers = 10_000;

export interface AccountSettings {
  /** Without fragment. */
  readonly url: string;
  readonly config: AuthorizationCodeOptions;
  readonly fetch: Fetch;
  readonly guard: EgressGuard;
}

interface Plan extends AccountPlan {
  readonly resource: string;
  readonly metadata: ServerMetadata;
}

interface Attempt extends AccountAttempt {
  readonly plan: Plan;
  readonly client: RegisteredClient;
  readonly verifier: string;
  readonly redirectUri: string;
}

export class ServerAccounts implements Accounts, AccountHost {
  readonly #server: string;
  readonly #parts: BookParts;
  readonly #client: ClientOf;
  readonly #known = new Map<string, AccountCredential>();
  readonly #authority: Authority;
  #settings: AccountSettings;

  constructor(server: string, settings: AccountSettings, parts: BookParts) {
    this.#server = server;
    this.#parts = parts;
    this.#settings = settings;
    this.#client = new ClientOf(parts);
    this.#authority = new Authority(server, settings, parts);
  }

  configure(settings: AccountSettings): void {
    this.#settings = settings;
    this.#authority.configure(settings);
  }

  of(user: string): Credential {
    return this.#of(user);
  }

  *all(): Iterable<readonly [string, Credential]> {
    for (const [user, credential] of this.#known) yield [`user:${user}`, credential] as const;
  }

  /** What commands beside the gateway have changed: accounts that are gone, an issuer that was agreed to. */
  look(): void {
    for (const [user, credential] of this.#known)
      if (credential.isConnected && !this.#parts.vault.has(this.#server, user)) {
        credential.disconnected();
        const facts = { at: Date.now(), server: this.#server, caller: { user }, detail: {} };
        this.#parts.note({ kind: 'account-disconnected', ...facts });
      }
    this.#authority.look();
  }

  blocked(): string | undefined {
    return this.#authority.blocked();
  }

  fits({ issuer, url }: Account): boolean {
    return url === this.#settings.url && issuer === this.#authority.issuer();
  }

  verifyIssuer(): Promise<void> {
    return this.#authority.verify();
  }

  load(user: string): Promise<Account | undefined> {
    return this.#parts.vault.account(this.#server, user);
  }

  async replace(account: Account): Promise<boolean> {
    const { vault } = this.#parts;
    if (!vault.has(account.server, account.user)) return false;
    await vault.keep(account);
    return true;
  }

  forget(user: string): void {
    if (this.#parts.vault.forget(this.#server, user)) this.#parts.announce('accounts');
  }

  invite(user: string, wanted: readonly string[]): AccountLinkPrompt {
    return this.#parts.invite(this.#server, user, wanted);
  }

  async renew(account: Account, refresh: string): Promise<Granted> {
    const { issuer, resource } = account;
    const metadata = await this.#authority.metadataOf(issuer);
    if (!metadata.ok) return { ok: false, lasting: false, problem: metadata.problem };
    const place = tokenPlace(metadata.value);
    const client = this.#client.behind(account, this.#settings.config, metadata.value);
    if (place === undefined || client === undefined)
      return { ok: false, lasting: true, reauthorize: true, problem: 'the client that the token was given to is gone' };
    const parameters = { grant_type: 'refresh_token', refresh_token: refresh, resource };
    const granted = await askForToken(place, client, { parameters, fetch: this.#settings.fetch });
    if (!granted.ok && granted.error === 'invalid_client') this.#client.gone(metadata.value);
    return granted;
  }

  async plan(user: string, wanted: readonly string[]): Promise<AccountOutcome<Plan>> {
    const found = await this.#authority.find();
    if (!found.ok) return found;
    const { metadata, facts } = found.value;
    const { resource, challenged, scopes: supported } = facts;
    const offered = metadata.document.scopes_supported;
    const scopes = scopesToAskFor({
      wanted,
      challenged,
      configured: this.#settings.config.scopes,
      supported,
      offered: Array.isArray(offered)
        ? (offered as readonly unknown[]).filter((each) => typeof each === 'string')
        : undefined,
      granted: await this.#of(user).scopes(),
    });
    return { ok: true, value: { issuer: metadata.issuer, scopes, resource, metadata } };
  }

  async begin(plan: AccountPlan): Promise<AccountOutcome<Attempt>> {
    const known = plan as Plan;
    const base = this.#parts.base();
    const endpoint = known.metadata.url('authorization_endpoint');
    if (base === undefined || endpoint === undefined) return { ok: false, problem: 'there is no page to come back to' };
    const client = await this.#client.of(this.#settings.config, known.metadata, this.#settings.fetch);
    if (!client.ok) return client;
    const redirectUri = this.#client.redirectUri();
    const { scopes, resource } = known;
    const { clientId } = client.value;
    const begun = await beginAuthorization({ endpoint: endpoint.url, clientId, redirectUri, scopes, resource });
    return { ok: true, value: { ...begun, plan: known, client: client.value, redirectUri } };
  }

  async finish(user: string, attempt: AccountAttempt, query: URLSearchParams): Promise<AccountOutcome<undefined>> {
    const { plan, client, verifier, redirectUri } = attempt as Attempt;
    // Before anything of the answer is used, and before the code goes anywhere.
    const returned = readReturn(query, { issuer: plan.issuer, namesIssuer: promisesIssuer(plan.metadata) });
    if (!returned.ok) return returned;
    // Meanwhile another user may have connected the first account, or an operator may have agreed to another issuer.
    const agreed = this.#authority.issuer();
    if (agreed !== undefined && agreed !== plan.issuer) return { ok: false, problem: 'another issuer was agreed to' };
    const place = tokenPlace(plan.metadata);
    if (place === undefined) return { ok: false, problem: 'the authorization server names no token_endpoint' };
    const now = Date.now();
    const parameters = {
      grant_type: 'authorization_code',
      code: returned.code,
      code_verifier: verifier,
      redirect_uri: redirectUri,
      resource: plan.resource,
    };
    const granted = await askForToken(place, client, { parameters, fetch: this.#settings.fetch });
    if (!granted.ok) {
      if (granted.error === 'invalid_client') this.#client.gone(plan.metadata);
      return { ok: false, problem: granted.problem };
    }
    const account: Account = {
      server: this.#server,
      url: this.#settings.url,
      user,
      issuer: plan.issuer,
      resource: plan.resource,
      ...this.#client.remembered(client, this.#settings.config),
      token: granted.token,
      scopes: granted.scope === undefined ? plan.scopes : scopesIn(granted.scope),
      issuedAt: now,
      ...(granted.refresh === undefined ? {} : { refresh: granted.refresh }),
      ...(granted.lifetime === undefined ? {} : { expiresAt: now + granted.lifetime }),
    };
    await this.#parts.vault.keep(account);
    this.#authority.agreeTo(plan.issuer);
    this.#of(user).connected(account);
    return { ok: true, value: undefined };
  }

  #of(user: string): AccountCredential {
    const known = this.#known.get(user);
    if (known !== undefined) return known;
    if (this.#known.size >= maxUsers)
      for (const [name, credential] of this.#known)
        if (credential.isIdle) {
          this.#known.delete(name);
          break;
        }
    const made = new AccountCredential(user, this);
    this.#known.set(user, made);
    return made;
  }
}
