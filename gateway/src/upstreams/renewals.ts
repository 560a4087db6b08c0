/**
 * Sessions that are begun anew for refusals that may be about something else, as of a server that refuses a ping like bad
 * arguments, or answers those with 404. What helped is not counted.
 */

/** Of one session: for refusals, and for errors that may be those of a server that is down. One uses up nothing of the other. */
export interface AllRenewals {
  readonly refusals: Renewals;
  readonly errors: Renewals;
}

/** So many at once, and one more each minute: no more than may be left within the time of a call, so that none is cut off. */
const most = 4;
const pauseMs = 60_000;

export class Renewals {
  #left = most;
  #since = Number.NEGATIVE_INFINITY;

  /** A harmless request was answered in one, so that it is forgotten where such a request is refused as of no session. */
  areTold = false;
  /** One was begun since it was last asked whether such a request is answered in it. */
  areNew = false;

  get areLeft(): boolean {
    return this.#left > 0 || performance.now() - this.#since >= pauseMs;
  }

  take(): void {
    this.areNew = true;
    const now = performance.now();
    if (this.#left === most) this.#since = now;
    const regained = Math.floor((now - this.#since) / pauseMs);
    this.#left = Math.max(0, Math.min(most, this.#left + regained) - 1);
    this.#since += regained * pauseMs;
  }

  /** The server took the call in the new session. */
  helped(): void {
    this.#left = Math.min(most, this.#left + 1);
  }
}
