/** Browsers that went to an authorization server and are to come back: each `state` is good for one return. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { MemoryRegistry } from '../state/memory/registry.ts';
import type { Browser } from './browser.ts';
import type { Ticket } from './tickets.ts';

const lifetimeMs = 600_000;
const maxExpected = 10_000;

interface Expected<Leaving> {
  readonly ticket: Ticket;
  readonly browser: Buffer;
  readonly leaving: Leaving;
}

export class Returns<Leaving extends { readonly kind: string }> {
  readonly #now: () => number;
  /** By state. Of each page the newest counts. */
  readonly #expected = new MemoryRegistry<Expected<Leaving>>({
    maxEntries: maxExpected,
    maxOfOwner: 1,
    lifetimeMs,
    whenFull: 'evict',
  });

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  expect(state: string, ticket: Ticket, browser: Browser, leaving: Leaving): void {
    const value = { ticket, browser: digest(browser.id), leaving };
    this.#expected.put({ key: state, owner: `${leaving.kind} ${ticket.id}`, value }, this.#now());
  }

  /** The ticket that this return belongs to; `undefined` in another browser. Each state can be taken once. */
  take(
    query: URLSearchParams,
    browser: Browser | undefined,
  ): Pick<Expected<Leaving>, 'ticket' | 'leaving'> | undefined {
    const [state = '', ...more] = query.getAll('state');
    const found = more.length > 0 ? undefined : this.#expected.take(state, this.#now())?.value;
    const isSame = found !== undefined && browser !== undefined && timingSafeEqual(found.browser, digest(browser.id));
    return isSame ? found : undefined;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
