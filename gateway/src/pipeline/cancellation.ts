/** Tells everything that works on an exchange that its client has gone. Cheaper than an AbortController. */
export class Cancellation {
  cancelled = false;
  #listeners: (() => void)[] = [];

  /** Calls back at once when it is cancelled already. Returns what stops listening. */
  onCancel(listener: () => void): () => void {
    if (this.cancelled) {
      listener();
      return () => {};
    }
    this.#listeners.push(listener);
    return () => {
      const at = this.#listeners.indexOf(listener);
      if (at !== -1) this.#listeners.splice(at, 1);
    };
  }

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}
