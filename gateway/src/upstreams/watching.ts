/**
 * Keeps what a server was asked to watch in step with what is watched. Changes are made one after the other up to a
 * number at once, and cancel each other out while they wait: a thousand changes are not a thousand requests in one turn.
 */

/** Requests to subscribe and unsubscribe that are under way at the same time. */
const maxAtOnce = 8;

type Watchers = ReadonlyMap<string, ReadonlySet<() => void>>;

export class Watching {
  readonly #wanted: Watchers;
  readonly #change: (method: 'resources/subscribe' | 'resources/unsubscribe', uri: string) => Promise<unknown>;
  readonly #known = new Set<string>();
  readonly #changed = new Set<string>();
  #underWay = 0;

  /** `wanted` is looked at whenever something can be changed: it is the map of the watchers itself. */
  constructor(
    wanted: Watchers,
    change: (method: 'resources/subscribe' | 'resources/unsubscribe', uri: string) => Promise<unknown>,
  ) {
    this.#wanted = wanted;
    this.#change = change;
  }

  /** A new session knows nothing of what was watched before. */
  begin(): void {
    this.#known.clear();
    this.#changed.clear();
    for (const uri of this.#wanted.keys()) this.#changed.add(uri);
    this.#go();
  }

  changed(uri: string): void {
    this.#changed.add(uri);
    this.#go();
  }

  /** Tells those who watch it, or what it is part of. */
  updated(uri: string): void {
    for (const [watched, watchers] of this.#wanted)
      if (uri === watched || uri.startsWith(watched.endsWith('/') ? watched : `${watched}/`))
        for (const watcher of watchers) watcher();
  }

  #go(): void {
    for (const uri of this.#changed) {
      if (this.#underWay >= maxAtOnce) return;
      this.#changed.delete(uri);
      if (this.#wanted.has(uri) === this.#known.has(uri)) continue;
      const method = this.#wanted.has(uri) ? 'resources/subscribe' : 'resources/unsubscribe';
      if (this.#wanted.has(uri)) this.#known.add(uri);
      else this.#known.delete(uri);
      this.#underWay++;
      this.#change(method, uri).then(
        () => this.#ended(),
        () => this.#ended(),
      );
    }
  }

  #ended(): void {
    this.#underWay--;
    this.#go();
  }
}
