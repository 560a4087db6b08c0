/** Notifications reach the client in the order in which they came, also where an inspector takes its time. */
import type { Delivered, Delivery } from './deliver.ts';

/** Notifications of one call or stream that may wait for inspectors; what comes beyond that is dropped. */
const maxWaiting = 256;

export class InOrder {
  #waiting = 0;
  #last: Promise<void> | undefined;

  /** Calls `take` with what was delivered, at once where nothing waits. What was withheld is left out. */
  pass<Content>(delivery: Delivery<Content> | Promise<Delivery<Content>>, take: (content: Delivered<Content>) => void) {
    if (this.#last === undefined && !(delivery instanceof Promise)) {
      if (delivery.ok) take(delivery.content);
      return;
    }
    if (this.#waiting >= maxWaiting) return;
    this.#waiting++;
    const before = this.#last ?? Promise.resolve();
    const mine = before
      .then(() => delivery)
      .then((done) => {
        if (done.ok) take(done.content);
      })
      .catch(() => {
        // The inspector has failed: what it did not judge is withheld.
      })
      .finally(() => {
        this.#waiting--;
        if (this.#last === mine) this.#last = undefined;
      });
    this.#last = mine;
  }

  /** Settles when nothing waits any more; `undefined` where nothing does. */
  over(): Promise<void> | undefined {
    return this.#last;
  }
}
