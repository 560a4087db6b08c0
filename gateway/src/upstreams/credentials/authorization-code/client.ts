/** As which client the gateway speaks to one authorization server, and what it remembers of having registered there. */
import type { Fetch } from '../../../egress/fetch.ts';
import type { ServerMetadata } from '../../../oauth/discovery.ts';
import { methodFor, type RegisteredClient, registerClient, takesDocuments } from '../../../oauth/registration.ts';
import { type AccountOutcome, accountPaths } from '../../../pipeline/contracts/accounts.ts';
import type { BookParts } from './book.ts';
import type { AuthorizationCodeOptions } from './options.ts';
import type { Account } from './vault.ts';

export class ClientOf {
  readonly #parts: Pick<BookParts, 'vault' | 'base'>;
  /** Two users who connect at the same time make one registration. */
  readonly #registering = new Map<string, Promise<AccountOutcome<RegisteredClient>>>();

  constructor(parts: Pick<BookParts, 'vault' | 'base'>) {
    this.#parts = parts;
  }

  redirectUri(): string {
    return `${this.#parts.base() ?? ''}${accountPaths.callback}`;
  }

  /** Registered by the operator, else known by a document, else registered before, else now. */
  async of(
    config: AuthorizationCodeOptions,
    metadata: ServerMetadata,
    fetch: Fetch,
  ): Promise<AccountOutcome<RegisteredClient>> {
    if (config.clientId !== undefined) return { ok: true, value: configured(config, config.clientId, metadata) };
    const document = this.#document();
    if (takesDocuments(metadata, document)) return { ok: true, value: { clientId: document, method: 'none' } };
    const { issuer } = metadata;
    const kept = await this.#kept(issuer);
    if (kept !== undefined) return { ok: true, value: kept };
    const running = this.#registering.get(issuer);
    if (running !== undefined) return running;
    const started = this.#register(metadata, fetch).finally(() => this.#registering.delete(issuer));
    this.#registering.set(issuer, started);
    return started;
  }

  /** The client that the tokens of an account were given to; `undefined` when it is gone. */
  behind(
    { clientId, client }: Account,
    config: AuthorizationCodeOptions,
    metadata: ServerMetadata,
  ): RegisteredClient | undefined {
    if (clientId === config.clientId) return configured(config, clientId, metadata);
    if (client !== undefined) return client;
    return clientId === this.#document() ? { clientId, method: 'none' } : undefined;
  }

  /** What an account stores of its client: only the id, unless the gateway registered the client itself. */
  remembered(client: RegisteredClient, config: AuthorizationCodeOptions): Pick<Account, 'clientId' | 'client'> {
    const { clientId, method, clientSecret } = client;
    if (clientId === config.clientId || method === 'private_key_jwt') return { clientId };
    if (clientId === this.#document()) return { clientId };
    return { clientId, client: { clientId, method, ...(clientSecret === undefined ? {} : { clientSecret }) } };
  }

  /** The authorization server does not know the client any more. */
  gone({ issuer }: ServerMetadata): void {
    this.#parts.vault.unregister(issuer, this.redirectUri());
  }

  #document(): string {
    return `${this.#parts.base() ?? ''}${accountPaths.clientMetadata}`;
  }

  async #kept(issuer: string): Promise<RegisteredClient | undefined> {
    const kept = await this.#parts.vault.registration(issuer, this.redirectUri());
    if (kept === undefined) return undefined;
    const { clientId, method, clientSecret } = kept;
    return { clientId, method, ...(clientSecret === undefined ? {} : { clientSecret }) };
  }

  async #register(metadata: ServerMetadata, fetch: Fetch): Promise<AccountOutcome<RegisteredClient>> {
    const redirectUri = this.redirectUri();
    const registered = await registerClient(metadata, redirectUri, fetch);
    if (!registered.ok) return registered;
    await this.#parts.vault.register({ ...registered.client, issuer: metadata.issuer, redirectUri });
    return { ok: true, value: registered.client };
  }
}

function configured(config: AuthorizationCodeOptions, clientId: string, metadata: ServerMetadata): RegisteredClient {
  const client = { ...config, clientId };
  return { ...client, method: methodFor(client, metadata) };
}
