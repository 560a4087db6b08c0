/** Log messages that belong to no call: as many pass in a second as a person could want to read. */

const maxPerSecond = 100;

export class MessageRate {
  #began = 0;
  #count = 0;

  /** False for a message beyond the rate. */
  take(now: number): boolean {
    if (now - this.#began > 1_000) {
      this.#began = now;
      this.#count = 0;
    }
    return ++this.#count <= maxPerSecond;
  }
}
