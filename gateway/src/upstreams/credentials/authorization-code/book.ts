/** The accounts of every server. Outlives revisions: two renewals of one token must never run beside each other. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Accounts, MakeAccountLink } from '../../../pipeline/contracts/accounts.ts';
import type { AuditEvent } from '../../../pipeline/contracts/audit.ts';
import { type AccountSettings, ServerAccounts } from './server-accounts.ts';
import type { AccountVault } from './vault.ts';

export interface BookParts {
  readonly vault: AccountVault;
  /** The data folder. */
  readonly data: string;
  readonly invite: MakeAccountLink;
  /** The public URL of the gateway; `undefined` where no listener runs. */
  readonly base: () => string | undefined;
  readonly note: (event: AuditEvent) => void;
  readonly log: {
    info(fields: Readonly<Record<string, unknown>>, message: string): void;
    error(fields: Readonly<Record<string, unknown>>, message: string): void;
  };
}

/** The times of some file systems have this resolution. */
const mtimeResolutionMs = 2_000;

export class AccountRegistry {
  readonly #parts: BookParts;
  readonly #servers = new Map<string, ServerAccounts>();
  #stamp = '';

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /** The accounts at a server under the settings of the revision in force. */
  open(server: string, settings: AccountSettings): ServerAccounts {
    const known = this.#servers.get(server);
    if (known !== undefined) {
      known.configure(settings);
      return known;
    }
    const made = new ServerAccounts(server, settings, this.#parts);
    this.#servers.set(server, made);
    return made;
  }

  of(server: string): Accounts | undefined {
    return this.#servers.get(server);
  }

  /** Takes over what commands beside the gateway have changed. Costs two `stat` while nothing does. */
  look(): void {
    if (this.#servers.size === 0) return;
    const times = ['accounts', 'issuers'].map(
      (folder) => statSync(join(this.#parts.data, folder), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    );
    const stamp = times.join(' ');
    if (stamp === this.#stamp && times.every((time) => Date.now() - time > mtimeResolutionMs)) return;
    this.#stamp = stamp;
    for (const server of this.#servers.values()) server.look();
  }
}
