/** The accounts of every server. Outlives revisions: two renewals of one token must never run beside each other. */
import type { Accounts, MakeAccountLink } from '../../../pipeline/contracts/accounts.ts';
import type { AuditEvent } from '../../../pipeline/contracts/audit.ts';
import type { Topic } from '../../../state/contract/changes.ts';
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
  /** Tells other processes of the data folder that accounts or pins of issuers are others now. */
  readonly announce: (topic: Topic) => void;
  readonly log: {
    info(fields: Readonly<Record<string, unknown>>, message: string): void;
    error(fields: Readonly<Record<string, unknown>>, message: string): void;
  };
}

export class AccountRegistry {
  readonly #parts: BookParts;
  readonly #servers = new Map<string, ServerAccounts>();

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

  /** Takes over what other processes have changed. */
  look(): void {
    for (const server of this.#servers.values()) server.look();
  }
}
