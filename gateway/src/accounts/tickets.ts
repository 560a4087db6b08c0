/** Pages that were handed out and not used yet: one for each user and server, good for ten minutes, in memory. */
import { createHash, randomBytes } from 'node:crypto';
import type { AccountPlan } from '../pipeline/contracts/accounts.ts';
import { MemoryRegistry } from '../state/memory/registry.ts';

export const ticketLifetimeMs = 600_000;
export const maxTickets = 10_000;

export interface Ticket {
  readonly id: string;
  readonly server: string;
  readonly user: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Scopes that calls lacked. */
  readonly wanted: readonly string[];
  /** What the user was shown last, and agrees to. */
  readonly shown?: AccountPlan;
  /** The approval that the page is about, in place of an account. */
  readonly approval?: string;
}

const maxWanted = 128;

export class Tickets {
  readonly #now: () => number;
  /** One of a user and server is replaced in the second half of its life, so that two are good at the same time. */
  readonly #tickets = new MemoryRegistry<Ticket>({
    maxEntries: maxTickets,
    maxOfOwner: 2,
    lifetimeMs: ticketLifetimeMs,
    whenFull: 'evict',
  });

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get size(): number {
    return this.#tickets.size(this.#now());
  }

  /** Reuses a valid ticket, so repeated calls cannot grow the table. */
  issue(server: string, user: string, wanted: readonly string[]): Ticket {
    const now = this.#now();
    const known = this.#tickets.list(ownerOf({ server, user }), now).at(-1)?.value;
    // Half of its life is left to the user at least.
    if (known !== undefined && known.until - now > ticketLifetimeMs / 2)
      return this.#keep({ ...known, wanted: [...new Set([...known.wanted, ...wanted])].slice(0, maxWanted) });
    const id = randomBytes(32).toString('base64url');
    return this.#keep({ id, server, user, wanted: wanted.slice(0, maxWanted), until: now + ticketLifetimeMs });
  }

  find(id: string): Ticket | undefined {
    return this.#tickets.get(id, this.#now())?.value;
  }

  /** Notes what the user was shown last. A ticket that ended meanwhile stays ended. */
  show(id: string, shown: AccountPlan): void {
    const known = this.find(id);
    if (known !== undefined) this.#keep({ ...known, shown });
  }

  end({ id }: Ticket): void {
    this.#tickets.take(id, this.#now());
  }

  #keep(ticket: Ticket): Ticket {
    this.#tickets.put({ key: ticket.id, owner: ownerOf(ticket), value: ticket, expiresAt: ticket.until }, this.#now());
    return ticket;
  }
}

function ownerOf({ server, user }: Pick<Ticket, 'server' | 'user'>): string {
  return JSON.stringify([server, user]);
}

/** A name for a ticket that opens nothing. */
export function publicId(ticket: Ticket): string {
  return createHash('sha256').update(ticket.id).digest('base64url').slice(0, 22);
}
