/** Tells everything that works on an exchange that its client has gone. Cheaper than an AbortController. */
export class Cancellation {
  cancelled = false;
  /** Mostly one listens, and often none. */
  #listeners: readonly (() => void)[] = none;

  /** Calls back at once when it is cancelled already. Returns what stops listening. */
  onCancel(listener: () => void): () => void {
    if (this.cancelled) {
      listener();
      return nothing;
    }
    this.#listeners = this.#listeners.length === 0 ? [listener] : [...this.#listeners, listener];
    return () => {
      this.#listeners =
        this.#listeners.length === 1 && this.#listeners[0] === listener
          ? none
          : this.#listeners.filter((known) => known !== listener);
    };
  }

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    const listeners = this.#listeners;
    this.#listeners = none;
    for (const listener of listeners) listener();
  }
}

const none: readonly (() => void)[] = [];

function nothing(): void {}
