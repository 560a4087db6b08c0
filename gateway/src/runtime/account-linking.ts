/** Accounts of users at servers: where they are kept, and the pages on which users connect them. */
import { accountPages } from '../accounts/pages.ts';
import { publicId, Tickets } from '../accounts/tickets.ts';
import type { Configuration } from '../config/schema/index.ts';
import type { ListenerContext } from '../listeners/context.ts';
import { clientDocument } from '../oauth/registration.ts';
import { type AccountLinkPrompt, accountPaths, type SignIns } from '../pipeline/contracts/accounts.ts';
import type { AuditLog } from '../pipeline/contracts/audit.ts';
import type { Pages } from '../pipeline/contracts/pages.ts';
import type { Seal } from '../protocol/seal.ts';
import { createSeal } from '../secrets/seal.ts';
import type { Approval, ApprovalStore } from '../stages/approve/store.ts';
import type { Changes, Topic } from '../state/contract/changes.ts';
import type { Local } from '../state/contract/later.ts';
import type { Log } from '../telemetry/log.ts';
import { AccountRegistry } from '../upstreams/credentials/authorization-code/book.ts';
import { AccountVault } from '../upstreams/credentials/authorization-code/vault.ts';
import { approvalUrl, requesterApprovals } from './requester-approvals.ts';

export interface AccountLinkingParts {
  readonly approvalStore: ApprovalStore;
  /** The user of a call decided about it. */
  readonly onDecided: () => void;
  readonly masterKey: Buffer;
  readonly audit: AuditLog;
  readonly log: Log;
  readonly changes: Local<Changes>;
}

/** What the pages need of the revision in force. */
export interface PageRights {
  readonly identify: ListenerContext['identify'];
  readonly renew: ListenerContext['renew'];
  readonly signIns: () => SignIns;
}

export class AccountLinking {
  readonly book: AccountRegistry;
  readonly tickets = new Tickets();
  readonly #vault: AccountVault;
  readonly #parts: AccountLinkingParts;
  readonly #approvalSeal: Seal;
  /** The public URL, from the moment in which a listener has it. */
  #base: string | undefined;
  #pages: Pages | undefined;

  constructor({ secrets, data }: Configuration, parts: AccountLinkingParts) {
    this.#parts = parts;
    this.#approvalSeal = createSeal(parts.masterKey, 'approval-page');
    this.#vault = new AccountVault(secrets, data);
    this.book = new AccountRegistry({
      vault: this.#vault,
      data,
      base: () => this.#base,
      invite: (server, user, wanted) => this.#invite(server, user, wanted),
      note: (event) => parts.audit.note(event),
      announce: (topic) => this.#announce(topic),
      log: parts.log,
    });
  }

  get pages(): Pages | undefined {
    return this.#pages;
  }

  /** The page of an approval for a user; undefined as long as no listener has a public URL. */
  approvalPage(approval: Approval, user: string): string | undefined {
    return this.#base === undefined ? undefined : approvalUrl(this.#base, this.#approvalSeal, { approval, user });
  }

  configure({ secrets, data }: Configuration): void {
    this.#vault.configure(secrets, data);
  }

  /** A listener has this public URL, so there are pages from now on. */
  reachedAt(base: string, rights: PageRights): void {
    this.#base = base;
    this.#pages = accountPages({
      base,
      tickets: this.tickets,
      accounts: (server) => this.book.of(server),
      approvals: requesterApprovals({
        store: this.#parts.approvalStore,
        seal: this.#approvalSeal,
        onDecided: this.#parts.onDecided,
      }),
      ...rights,
      seal: createSeal(this.#parts.masterKey, 'browser'),
      clientMetadata: clientDocument,
      note: (event) => this.#parts.audit.note(event),
      log: this.#parts.log,
    });
  }

  /** Other processes find out by themselves when they next use what changed, so the work goes on without this. */
  #announce(topic: Topic): void {
    try {
      this.#parts.changes.announce(topic);
    } catch (error) {
      this.#parts.log.warn({ err: error, topic }, 'other processes cannot be told of a change');
    }
  }

  #invite(server: string, user: string, wanted: readonly string[]): AccountLinkPrompt {
    // Without a public URL there is no page to link to.
    if (this.#base === undefined) return { server, id: '' };
    const ticket = this.tickets.issue(server, user, wanted);
    return { server, url: `${this.#base}${accountPaths.page}${ticket.id}`, id: publicId(ticket) };
  }
}
