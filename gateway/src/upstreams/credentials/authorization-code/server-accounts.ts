/**
 * The accounts of all users at one server: finds out whose tokens the server wants, speaks to that authorization server
 * as a client, and holds it to the one that was agreed to.
 */
import type { AuthorizationCodeConfig } from '../../../config/schema/credentials.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import type { EgressGuard } from '../../../egress/guard.ts';
import { beginAuthorization, metadataProblem, promisesIssuer, readReturn } from '../../../oauth/authorization.ts';
import { scopesIn } from '../../../oauth/challenge.ts';
import { discover, type ServerMetadata } from '../../../oauth/discovery.ts';
import type { RegisteredClient } from '../../../oauth/registration.ts';
import { discoverResource, type ResourceFacts } from '../../../oauth/resource.ts';
import { scopesToAskFor } from '../../../oauth/scopes.ts';
import { askForToken, type Granted, type TokenPlace } from '../../../oauth/token-endpoint.ts';
import type { AccountAttempt, AccountOutcome, AccountPlan, Accounts, Invitation } from '../../../pipeline/accounts.ts';
import type { Credential } from '../contract.ts';
import { AccountCredential, type AccountHost } from './account.ts';
import type { BookParts } from './book.ts';
import { ClientOf } from './client.ts';
import { type IssuerPin, readPin, writePin } from './pins.ts';
import type { Account } from './vault.ts';

/** Users whose tokens are in memory at the same time; those of others are read again when they call. */
const mostUsers = 10_000;
const metadataLife = 3_600_000;
/** A server is not asked more often than this whose tokens it wants, however many accounts there are to renew. */
const verifyPause = 10_000;

export interface AccountSettings {
  /** Without fragment. */
  readonly url: string;
  readonly config: AuthorizationCodeConfig;
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
  readonly #metadata = new Map<string, { readonly metadata: ServerMetadata; readonly until: number }>();
  #settings: AccountSettings;
  #pin: IssuerPin | undefined;
  #verifying: Promise<void> | undefined;
  #verifiedAt = Number.NEGATIVE_INFINITY;

  constructor(server: string, settings: AccountSettings, parts: BookParts) {
    this.#server = server;
    this.#parts = parts;
    this.#settings = settings;
    this.#client = new ClientOf(parts);
    this.#pin = readPin(parts.data, server);
  }

  configure(settings: AccountSettings): void {
    this.#settings = settings;
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
    const pin = readPin(this.#parts.data, this.#server);
    if (pin !== undefined && this.#pin?.named !== undefined && pin.named === undefined)
      this.#parts.note({
        kind: 'issuer-agreed',
        at: Date.now(),
        server: this.#server,
        detail: { before: this.#pin.issuer, issuer: pin.issuer },
      });
    this.#pin = pin;
  }

  blocked(): string | undefined {
    const named = this.#pinned()?.named;
    const agreed = this.issuer();
    return named === undefined || named === agreed
      ? undefined
      : `the server names the authorization server ${named}, and ${String(agreed)} was agreed to; if that is right: sallyport server trust ${this.#server} --issuer ${named}`;
  }

  issuer(): string | undefined {
    return this.#settings.config.issuer ?? this.#pinned()?.issuer;
  }

  fits({ issuer, url }: Account): boolean {
    return url === this.#settings.url && issuer === this.issuer();
  }

  verifyIssuer(): Promise<void> {
    if (this.#verifying !== undefined) return this.#verifying;
    const now = performance.now();
    if (now - this.#verifiedAt < verifyPause) return Promise.resolve();
    this.#verifiedAt = now;
    this.#verifying = this.#facts()
      .then((found) => {
        if (found.ok) this.#choose(found.value);
      })
      .finally(() => {
        this.#verifying = undefined;
      });
    return this.#verifying;
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
    this.#parts.vault.forget(this.#server, user);
  }

  invite(user: string, wanted: readonly string[]): Invitation {
    return this.#parts.invite(this.#server, user, wanted);
  }

  async renew(account: Account, refresh: string): Promise<Granted> {
    const { issuer, resource } = account;
    const metadata = await this.#metadataOf(issuer);
    if (!metadata.ok) return { ok: false, lasting: false, problem: metadata.problem };
    const place = tokenPlace(metadata.value);
    const client = this.#client.behind(account, this.#settings.config, metadata.value);
    if (place === undefined || client === undefined)
      return { ok: false, lasting: true, reauthorize: true, problem: 'the client that the token was given to is gone' };
    const parameters = { grant_type: 'refresh_token', refresh_token: refresh, resource };
    const granted = await askForToken(place, client, parameters, this.#settings.fetch);
    if (!granted.ok && granted.error === 'invalid_client') this.#client.gone(metadata.value);
    return granted;
  }

  async plan(user: string, wanted: readonly string[]): Promise<AccountOutcome<Plan>> {
    const found = await this.#facts();
    if (!found.ok) return found;
    const issuer = this.#choose(found.value);
    if (!issuer.ok) return issuer;
    const metadata = await this.#metadataOf(issuer.value, { fresh: true });
    if (!metadata.ok) return metadata;
    const problem = metadataProblem(metadata.value) ?? this.#endpointProblem(metadata.value);
    if (problem !== undefined) return { ok: false, problem };
    const { resource, challenged, scopes: supported } = found.value;
    const offered = metadata.value.document.scopes_supported;
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
    return { ok: true, value: { issuer: issuer.value, scopes, resource, metadata: metadata.value } };
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
    const begun = beginAuthorization({ endpoint: endpoint.url, clientId, redirectUri, scopes, resource });
    return { ok: true, value: { ...begun, plan: known, client: client.value, redirectUri } };
  }

  async finish(user: string, attempt: AccountAttempt, query: URLSearchParams): Promise<AccountOutcome<undefined>> {
    const { plan, client, verifier, redirectUri } = attempt as Attempt;
    // Before anything of the answer is used, and before the code goes anywhere.
    const returned = readReturn(query, plan.issuer, promisesIssuer(plan.metadata));
    if (!returned.ok) return returned;
    // Somebody else may have connected the first account meanwhile, or an operator may have agreed to another issuer.
    const agreed = this.issuer();
    if (agreed !== undefined && agreed !== plan.issuer) return { ok: false, problem: 'another issuer was agreed to' };
    const place = tokenPlace(plan.metadata);
    if (place === undefined) return { ok: false, problem: 'the authorization server names no token_endpoint' };
    const now = Date.now();
    const granted = await askForToken(
      place,
      client,
      {
        grant_type: 'authorization_code',
        code: returned.code,
        code_verifier: verifier,
        redirect_uri: redirectUri,
        resource: plan.resource,
      },
      this.#settings.fetch,
    );
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
    if (this.#pinned() === undefined) this.#setPin({ url: this.#settings.url, issuer: plan.issuer, since: now });
    this.#of(user).connected(account);
    return { ok: true, value: undefined };
  }

  #of(user: string): AccountCredential {
    const known = this.#known.get(user);
    if (known !== undefined) return known;
    if (this.#known.size >= mostUsers)
      for (const [name, credential] of this.#known)
        if (credential.isIdle) {
          this.#known.delete(name);
          break;
        }
    const made = new AccountCredential(user, this);
    this.#known.set(user, made);
    return made;
  }

  async #facts(): Promise<AccountOutcome<ResourceFacts>> {
    const { url, config, fetch } = this.#settings;
    const found = await discoverResource(url, fetch);
    if (found.ok) return { ok: true, value: found.facts };
    // An operator who names the issuer needs no document for it.
    if (found.missing === true && config.issuer !== undefined)
      return { ok: true, value: { resource: url, issuers: [config.issuer], scopes: [], challenged: [] } };
    return { ok: false, problem: found.problem };
  }

  /** The issuer to use: the one that was agreed to, as long as the server still names it. */
  #choose({ issuers }: ResourceFacts): AccountOutcome<string> {
    const agreed = this.issuer();
    const [first = ''] = issuers;
    if (agreed === undefined) return { ok: true, value: first };
    if (issuers.includes(agreed)) {
      const blocked = this.blocked();
      return blocked === undefined ? { ok: true, value: agreed } : { ok: false, problem: blocked };
    }
    const pin = this.#pinned();
    if (pin?.named !== first) {
      this.#setPin({ url: this.#settings.url, issuer: agreed, since: pin?.since ?? Date.now(), named: first });
      this.#parts.log.error(
        { server: this.#server, agreed, named: first },
        'THE SERVER NAMES ANOTHER AUTHORIZATION SERVER: no credential goes there until an operator agrees',
      );
      this.#parts.note({
        kind: 'issuer-changed',
        at: Date.now(),
        server: this.#server,
        detail: { agreed, named: first },
      });
    }
    return { ok: false, problem: this.blocked() ?? 'the server names another authorization server' };
  }

  /** What was agreed to for another URL says nothing about this one. */
  #pinned(): IssuerPin | undefined {
    return this.#pin?.url === this.#settings.url ? this.#pin : undefined;
  }

  #setPin(pin: IssuerPin): void {
    this.#pin = pin;
    writePin(this.#parts.data, this.#server, pin);
  }

  async #metadataOf(issuer: string, { fresh = false } = {}): Promise<AccountOutcome<ServerMetadata>> {
    const known = this.#metadata.get(issuer);
    if (!fresh && known !== undefined && Date.now() < known.until) return { ok: true, value: known.metadata };
    const { config, url, fetch } = this.#settings;
    if (!URL.canParse(issuer)) return { ok: false, problem: 'the issuer is no URL' };
    // What the operator wrote, or what stands where the operator pointed.
    const operator = issuer === config.issuer || new URL(issuer).origin === new URL(url).origin;
    const found = await discover(issuer, fetch, operator);
    if (!found.ok) return found;
    this.#metadata.clear();
    this.#metadata.set(issuer, { metadata: found.metadata, until: Date.now() + metadataLife });
    return { ok: true, value: found.metadata };
  }

  /** A browser is sent there, with whatever the user has at that origin. */
  #endpointProblem(metadata: ServerMetadata): string | undefined {
    const endpoint = metadata.url('authorization_endpoint');
    if (endpoint === undefined) return 'the authorization server names no authorization_endpoint';
    if (tokenPlace(metadata) === undefined) return 'the authorization server names no token_endpoint';
    const url = new URL(endpoint.url);
    if (url.hash !== '') return 'the authorization_endpoint has a fragment';
    if (endpoint.operator && /^https?:$/.test(url.protocol)) return undefined;
    const problem = this.#settings.guard.refusal(url);
    return problem === undefined ? undefined : `the authorization_endpoint ${problem}`;
  }
}

function tokenPlace(metadata: ServerMetadata): TokenPlace | undefined {
  const endpoint = metadata.url('token_endpoint');
  return endpoint === undefined ? undefined : { ...endpoint, issuer: metadata.issuer };
}
