/**
 * What the gateway keeps of accounts: tokens and client registrations, each sealed in a file of its own whose name is a
 * digest of what it is for, so that a file opens for nothing else. Outlives revisions and restarts.
 */
import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../../../config/schema/index.ts';
import type { DynamicClient } from '../../../oauth/registration.ts';
import { openAccountStore } from '../../../secrets/source.ts';
import type { SecretStore } from '../../../secrets/store.ts';

/** The tokens of one user at one server. */
export interface Account {
  readonly server: string;
  /** Of the server: what a server of the same name has elsewhere is another server. */
  readonly url: string;
  readonly user: string;
  readonly issuer: string;
  readonly resource: string;
  readonly clientId: string;
  /** The client itself, where the gateway registered it: it may come under another URL later, and register anew. */
  readonly client?: DynamicClient;
  readonly token: string;
  readonly refresh?: string;
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch; absent when the server does not say. */
  readonly expiresAt?: number;
  readonly issuedAt: number;
}

/** The gateway as a client of one authorization server that it registered at by itself. */
export interface Registration extends DynamicClient {
  readonly issuer: string;
  readonly redirectUri: string;
}

/** The name of the file of an account. */
function accountFile(server: string, user: string): string {
  return digest('account', server, user);
}

/** Removes an account without a key to open it. False when there is none. */
export function forgetAccount(data: string, server: string, user: string): boolean {
  try {
    rmSync(join(data, 'accounts', `${accountFile(server, user)}.json`));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

export class AccountVault {
  #open: () => SecretStore;
  #store: SecretStore | undefined;

  constructor(settings: Configuration['secrets'], data: string) {
    this.#open = () => openAccountStore(settings, data);
  }

  /** Another revision, perhaps with another key provider. */
  configure(settings: Configuration['secrets'], data: string): void {
    this.#open = () => openAccountStore(settings, data);
    this.#store = undefined;
  }

  async account(server: string, user: string): Promise<Account | undefined> {
    const found = (await this.#read(accountFile(server, user))) as Account | undefined;
    // The name of the file says it already; a file that was copied over another opens under no other name.
    return found?.server === server && found.user === user ? found : undefined;
  }

  async keep(account: Account): Promise<void> {
    await this.#write(accountFile(account.server, account.user), account);
  }

  forget(server: string, user: string): boolean {
    return this.#current().remove(accountFile(server, user));
  }

  /** Whether there are tokens of this user now: a command beside the gateway may have removed them. */
  has(server: string, user: string): boolean {
    return existsSync(this.#current().pathOf(accountFile(server, user)));
  }

  async registration(issuer: string, redirectUri: string): Promise<Registration | undefined> {
    const found = (await this.#read(digest('registration', issuer, redirectUri))) as Registration | undefined;
    // "MUST NOT reuse client credentials from a different authorization server" (2026-07-28).
    if (found?.issuer !== issuer || found.redirectUri !== redirectUri) return undefined;
    return found.expiresAt !== undefined && found.expiresAt <= Date.now() ? undefined : found;
  }

  async register(registration: Registration): Promise<void> {
    await this.#write(digest('registration', registration.issuer, registration.redirectUri), registration);
  }

  unregister(issuer: string, redirectUri: string): void {
    this.#current().remove(digest('registration', issuer, redirectUri));
  }

  #current(): SecretStore {
    this.#store ??= this.#open();
    return this.#store;
  }

  async #read(name: string): Promise<unknown> {
    const text = await this.#current().get(name);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  }

  async #write(name: string, value: Account | Registration): Promise<void> {
    await this.#current().put(name, JSON.stringify(value), Date.now());
  }
}

/** No two lists of parts have the same text. */
function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
