/** One timer for each place that has room by the clock alone, while calls wait for it. */

/** Between two looks: what has room sooner is found a moment later. */
const leastMs = 1;

export class Alarms {
  readonly #ring: (place: string) => void;
  /** As many as places in which calls wait. */
  readonly #timers = new Map<string, NodeJS.Timeout>();

  /** `ring`: the place may have room now. */
  constructor(ring: (place: string) => void) {
    this.#ring = ring;
  }

  /** Keeps the alarm that there is. `then`: after it rang. */
  set(place: string, afterMs: number, then: () => void): void {
    if (this.#timers.has(place)) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(place);
        this.#ring(place);
        then();
      },
      Math.max(leastMs, Math.ceil(afterMs)),
    );
    timer.unref();
    this.#timers.set(place, timer);
  }
}
