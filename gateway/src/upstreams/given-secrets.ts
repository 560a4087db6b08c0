/**
 * What one server was given and must not send back to any client: fixed headers and credentials, and the tokens that were
 * presented to it lately. One for each name of a server; it survives reloads.
 */
import { spellingsOf } from '../secrets/hide.ts';

/** Tokens that were presented lately. Each costs a search in every text that the server sends. */
const maxPresented = 32;

export class GivenSecrets {
  #fixed: readonly string[] = [];
  #presented: readonly string[] = [];
  #all: readonly string[] = [];

  /** What the configuration says now. What it said before was presented, and may still come back. */
  configure(fixed: readonly string[]): void {
    const before = this.#fixed.filter((secret) => !fixed.includes(secret));
    this.#fixed = fixed;
    this.#presented = [...before, ...this.#presented].slice(0, maxPresented);
    this.#collect();
  }

  /** Remembers what is presented now. */
  add(secrets: readonly string[]): void {
    for (const secret of secrets) {
      if (this.#presented.includes(secret) || this.#fixed.includes(secret)) continue;
      this.#presented = [secret, ...this.#presented].slice(0, maxPresented);
      this.#collect();
    }
  }

  /** Every spelling in which one of them may come back. */
  all(): readonly string[] {
    return this.#all;
  }

  #collect(): void {
    this.#all = [...new Set([...this.#fixed, ...this.#presented].flatMap(spellingsOf))];
  }
}
