/**
 * What the gateway knows of a browser: a sealed cookie that names it, and the user that was proven in it. Forms carry a
 * sealed token that is worth something in the same browser only.
 */
import { randomBytes } from 'node:crypto';
import { isObject } from '../protocol/json.ts';
import type { Seal } from '../protocol/seal.ts';

export interface Browser {
  readonly id: string;
  readonly user?: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** How long a proof counts, and a form may lie open. */
const lifetimeMs = 600_000;

export function newBrowser(user?: string): Browser {
  const id = randomBytes(24).toString('base64url');
  return { id, until: Date.now() + lifetimeMs, ...(user === undefined ? {} : { user }) };
}

export class Cookies {
  readonly #seal: Seal;
  readonly #secure: boolean;

  /** `base`: the public URL. Without https, on this machine, a cookie cannot have the prefix that only https may set. */
  constructor(seal: Seal, base: string) {
    this.#seal = seal;
    this.#secure = base.startsWith('https:');
  }

  read(header: string | undefined): Browser | undefined {
    for (const pair of (header ?? '').slice(0, 16_384).split(';')) {
      const [name = '', value = ''] = pair.trim().split('=', 2);
      if (name !== this.#name) continue;
      const opened = this.#seal.open(value);
      if (!isObject(opened) || typeof opened.b !== 'string' || typeof opened.e !== 'number') return undefined;
      if (opened.e <= Date.now()) return undefined;
      return { id: opened.b, until: opened.e, ...(typeof opened.u === 'string' ? { user: opened.u } : {}) };
    }
    return undefined;
  }

  write({ id, until, user }: Browser): string {
    const value = this.#seal.close({ b: id, e: until, ...(user === undefined ? {} : { u: user }) });
    const secure = this.#secure ? '; Secure' : '';
    return `${this.#name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${Math.ceil(lifetimeMs / 1_000)}${secure}`;
  }

  /** For one form on one page. */
  formToken(browser: Browser, page: string): string {
    return this.#seal.close({ f: browser.id, p: page, e: Date.now() + lifetimeMs });
  }

  formFits(browser: Browser, page: string, token: string | null): boolean {
    const opened = this.#seal.open(token ?? '');
    return (
      isObject(opened) &&
      opened.f === browser.id &&
      opened.p === page &&
      typeof opened.e === 'number' &&
      opened.e > Date.now()
    );
  }

  get #name(): string {
    return this.#secure ? '__Host-sallyport' : 'sallyport';
  }
}
