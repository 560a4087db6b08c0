/**
 * The level of log messages that a legacy server is told (2025-11-25, logging): the least severe one that is wanted by
 * any of those who share its connection. Nothing is said while nothing is wanted, as the server then decides by itself.
 */
import { logLevels } from '../protocol/methods.ts';
import type { Connected } from './connected.ts';
import { tell } from './own-call.ts';

/** Sessions that share a connection and have said what they want. */
const maxWishes = 1_000;

export class Levels {
  readonly #wishes = new Map<string, number>();
  #told: number | undefined;
  #telling: Promise<unknown> | undefined;

  /** False when that is no level. */
  want(level: string, whose: string): boolean {
    const rank = logLevels.indexOf(level);
    if (rank === -1) return false;
    if (this.#wishes.size < maxWishes || this.#wishes.has(whose)) this.#wishes.set(whose, rank);
    return true;
  }

  /** A new connection has been told nothing. */
  begin(): void {
    this.#told = undefined;
    this.#telling = undefined;
  }

  /** Resolves when the server knows what is wanted; `undefined` when it knows already. */
  tell({ peer, facts }: Connected): Promise<unknown> | undefined {
    if (this.#wishes.size === 0 || facts.era !== 'legacy' || facts.capabilities.logging === undefined) return undefined;
    const lowest = Math.min(...this.#wishes.values());
    if (lowest === this.#told) return this.#telling;
    this.#told = lowest;
    const telling = tell(peer, { method: 'logging/setLevel', params: { level: logLevels[lowest] ?? 'info' } });
    const over = telling.finally(() => {
      if (this.#telling === over) this.#telling = undefined;
    });
    this.#telling = over;
    return over;
  }
}
