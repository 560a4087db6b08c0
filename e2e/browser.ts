/** A browser as far as the connect page needs one: cookies for each origin, forms, links, redirects; no scripts. */

export interface Shown {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

const maxHops = 20;

export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();
  /** Where an origin really is: a public name that leads to a port of this machine. */
  readonly #places: Readonly<Record<string, string>>;

  constructor(places: Readonly<Record<string, string>> = {}) {
    this.#places = places;
  }

  /** One request, redirects not followed. */
  async request(url: URL | string, form?: Readonly<Record<string, string>>): Promise<Shown> {
    const wanted = new URL(url);
    const place = this.#places[wanted.origin];
    const jar = this.#cookies.get(wanted.origin) ?? new Map<string, string>();
    this.#cookies.set(wanted.origin, jar);
    const response = await fetch(place === undefined ? wanted : new URL(wanted.pathname + wanted.search, place), {
      redirect: 'manual',
      headers: {
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        // As browsers do for a form of a page without referrer.
        ...(form === undefined ? {} : { origin: 'null', 'sec-fetch-site': 'same-origin' }),
      },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      const at = pair.indexOf('=');
      jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return { url: wanted, status: response.status, headers: response.headers, body: await response.text() };
  }

  /** Follows redirects, and pages that lead on by themselves, up to one that waits for a person, or up to `until`. */
  async follow(first: Shown, until: (next: URL) => boolean = () => false): Promise<Shown> {
    let shown = first;
    for (let hop = 0; hop < maxHops; hop++) {
      const next = nextOf(shown);
      if (next === undefined) return shown;
      if (until(next)) return { ...shown, url: next };
      shown = await this.request(next);
    }
    throw new Error('redirects without end');
  }

  async open(url: string): Promise<Shown> {
    return this.follow(await this.request(url));
  }

  /** Fills in the form whose action ends like this. */
  async submit(page: Shown, action: string, fields: Readonly<Record<string, string>> = {}): Promise<Shown> {
    for (const [, target = '', inner = ''] of page.body.matchAll(
      /<form method="post" action="([^"]+)">(.*?)<\/form>/gs,
    )) {
      if (!unescaped(target).endsWith(action)) continue;
      const hidden = Object.fromEntries(
        [...inner.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)].map(
          ([, name = '', value = '']) => [name, unescaped(value)],
        ),
      );
      return this.request(new URL(unescaped(target), page.url), { ...hidden, ...fields });
    }
    throw new Error(`no form ${action} on ${page.url.href} (${page.status}):\n${page.body}`);
  }

  /** The whole way of a user with an API key, up to the page that says how it ended. */
  async connect(url: string, key: string): Promise<Shown> {
    const asked = await this.open(url);
    const proven = asked.body.includes('name="key"')
      ? await this.follow(await this.submit(asked, '/key', { key }))
      : asked;
    if (!proven.body.includes('/agree"')) return proven;
    return this.follow(await this.submit(proven, '/agree'));
  }
}

function nextOf({ url, headers, body }: Shown): URL | undefined {
  const location = headers.get('location');
  if (location !== null) return new URL(location, url);
  const [, refresh] = /<meta http-equiv="refresh" content="0;url=([^"]+)">/.exec(body) ?? [];
  return refresh === undefined ? undefined : new URL(unescaped(refresh), url);
}

function unescaped(text: string): string {
  return text.replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)));
}
