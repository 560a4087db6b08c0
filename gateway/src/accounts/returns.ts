/** Browsers that went to an authorization server and are to come back: each `state` is good for one return. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Browser } from './browser.ts';
import type { Ticket } from './tickets.ts';

const lifetimeMs = 600_000;
const maxExpected = 10_000;

interface Expected<Leaving> {
  readonly ticket: Ticket;
  readonly browser: Buffer;
  readonly until: number;
  readonly leaving: Leaving;
}

export class Returns<Leaving extends { readonly kind: string }> {
  readonly #now: () => number;
  readonly #expected = new Map<string, Expected<Leaving>>();
  /** The state of each page, of which the newest counts. */
  readonly #latest = new Map<string, string>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  expect(state: string, ticket: Ticket, browser: Browser, leaving: Leaving): void {
    const page = `${leaving.kind} ${ticket.id}`;
    this.#forget(this.#latest.get(page) ?? '');
    for (const oldest of this.#expected.keys()) {
      if (this.#expected.size < maxExpected) break;
      this.#forget(oldest);
    }
    this.#expected.set(state, { ticket, browser: digest(browser.id), until: this.#now() + lifetimeMs, leaving });
    this.#latest.set(page, state);
  }

  /** The ticket that this return belongs to; `undefined` in another browser. Each state can be taken once. */
  take(
    query: URLSearchParams,
    browser: Browser | undefined,
  ): Pick<Expected<Leaving>, 'ticket' | 'leaving'> | undefined {
    const [state = '', ...more] = query.getAll('state');
    const found = this.#expected.get(state);
    if (found === undefined || more.length > 0) return undefined;
    this.#forget(state);
    const same = browser !== undefined && timingSafeEqual(found.browser, digest(browser.id));
    return same && found.until > this.#now() ? found : undefined;
  }

  #forget(state: string): void {
    const known = this.#expected.get(state);
    if (known === undefined) return;
    this.#expected.delete(state);
    this.#latest.delete(`${known.leaving.kind} ${known.ticket.id}`);
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
