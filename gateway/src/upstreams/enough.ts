/**
 * A server said that it takes no calls with a credential for a while. What one caller alone meets is held back for this caller
 * alone, as its arguments may be the reason; a second caller that meets it, or the gateway itself, shows that it is of all.
 */
export class Enough {
  /** On the monotonic clock, in milliseconds. */
  #untilOfAll = 0;
  #one: { readonly caller: string; readonly until: number } | undefined;

  leftMs(caller: string | undefined): number {
    const own = this.#one !== undefined && this.#one.caller === caller ? this.#one.until : 0;
    return Math.max(0, Math.max(this.#untilOfAll, own) - performance.now());
  }

  said(forMs: number, caller: string | undefined): void {
    const now = performance.now();
    const until = now + forMs;
    const one = this.#one;
    if (caller === undefined || (one !== undefined && one.caller !== caller && one.until > now))
      this.#untilOfAll = Math.max(until, this.#untilOfAll);
    else this.#one = { caller, until: one?.caller === caller ? Math.max(until, one.until) : until };
  }
}
