/** Pages that were handed out and not used yet: one for each user and server, good for ten minutes, in memory. */
import { createHash, randomBytes } from 'node:crypto';
import type { AccountPlan } from '../pipeline/contracts/accounts.ts';

export const ticketLifetimeMs = 600_000;
export const maxTickets = 10_000;

export interface Ticket {
  readonly id: string;
  readonly server: string;
  readonly user: string;
  readonly until: number;
  /** Scopes that calls lacked. */
  wanted: readonly string[];
  /** What the user was shown last, and agrees to. */
  shown?: AccountPlan;
}

const maxWanted = 128;

export class Tickets {
  readonly #now: () => number;
  /** By id; those that end first stand first. */
  readonly #tickets = new Map<string, Ticket>();
  readonly #ids = new Map<string, string>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get size(): number {
    return this.#tickets.size;
  }

  /** Reuses a valid ticket, so repeated calls cannot grow the table. */
  issue(server: string, user: string, wanted: readonly string[]): Ticket {
    const owner = JSON.stringify([server, user]);
    const known = this.find(this.#ids.get(owner) ?? '');
    // Half of its life is left to the user at least.
    if (known !== undefined && known.until - this.#now() > ticketLifetimeMs / 2) {
      known.wanted = [...new Set([...known.wanted, ...wanted])].slice(0, maxWanted);
      return known;
    }
    if (this.#tickets.size >= maxTickets) this.#makeRoom();
    const id = randomBytes(32).toString('base64url');
    const ticket: Ticket = {
      id,
      server,
      user,
      wanted: wanted.slice(0, maxWanted),
      until: this.#now() + ticketLifetimeMs,
    };
    this.#tickets.set(id, ticket);
    this.#ids.set(owner, id);
    return ticket;
  }

  find(id: string): Ticket | undefined {
    const ticket = this.#tickets.get(id);
    if (ticket === undefined || ticket.until > this.#now()) return ticket;
    this.end(ticket);
    return undefined;
  }

  end(ticket: Ticket): void {
    this.#tickets.delete(ticket.id);
    const owner = JSON.stringify([ticket.server, ticket.user]);
    if (this.#ids.get(owner) === ticket.id) this.#ids.delete(owner);
  }

  #makeRoom(): void {
    for (const ticket of this.#tickets.values()) {
      this.end(ticket);
      break;
    }
  }
}

/** A name for a ticket that opens nothing. */
export function publicId(ticket: Ticket): string {
  return createHash('sha256').update(ticket.id).digest('base64url').slice(0, 22);
}
