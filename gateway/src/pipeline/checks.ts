/** The ledger of one exchange: what looked at it, and what it said. Filled along the road, written with its records. */
import type { Verdict } from './contracts/audit.ts';

/** A record holds no more, and an exchange can have any number of notifications. */
const maxChecks = 32;

const none: readonly Verdict[] = [];

export class Checks {
  #all: Verdict[] | undefined;
  #taken = 0;

  /** The same check says the same of the same part once. */
  add(verdict: Verdict): void {
    this.#all ??= [];
    const isKnown = this.#all.some(
      ({ name, part, verdict: said }) => name === verdict.name && part === verdict.part && said === verdict.verdict,
    );
    if (!isKnown && this.#all.length < maxChecks) this.#all.push(verdict);
  }

  /** Those that no record holds yet. */
  take(): readonly Verdict[] {
    if (this.#all === undefined || this.#all.length === this.#taken) return none;
    const left = this.#all.slice(this.#taken);
    this.#taken = this.#all.length;
    return left;
  }
}
