/**
 * A server may announce the same change as often as it likes; what follows an announcement, such as reading a list again
 * in every client, is dear. The first is passed on at once, all that follow within a pause as one at its end.
 */

/** Milliseconds between two announcements of the same thing. */
const pauseMs = 250;
/** Things whose pauses run at the same time. Beyond it nothing is announced: a list is read again once it is old. */
const maxKeys = 2_000;

export class Coalescing {
  /** Pauses under way; the value is what is to be said at the end of one. */
  readonly #pauses = new Map<string, { timer: NodeJS.Timeout; again: (() => void) | undefined }>();

  /** `key` names the thing, `announce` says it. */
  say(key: string, announce: () => void): void {
    const current = this.#pauses.get(key);
    if (current !== undefined) {
      current.again = announce;
      return;
    }
    if (this.#pauses.size >= maxKeys) return;
    this.#begin(key);
    announce();
  }

  close(): void {
    for (const { timer } of this.#pauses.values()) clearTimeout(timer);
    this.#pauses.clear();
  }

  #begin(key: string): void {
    const timer = setTimeout(() => {
      const again = this.#pauses.get(key)?.again;
      this.#pauses.delete(key);
      if (again === undefined) return;
      this.#begin(key);
      again();
    }, pauseMs).unref();
    this.#pauses.set(key, { timer, again: undefined });
  }
}
