/** How often a user is asked for more scopes because of one operation: some servers are never satisfied. */
import type { Account } from './vault.ts';

const maxStepUps = 2;
const memoryMs = 600_000;
const maxOperations = 64;

interface Asked {
  readonly first: number;
  count: number;
  /** The token that was not enough the last time. */
  token: string;
}

export class StepUps {
  readonly #now: () => number;
  readonly #asked = new Map<string, Asked>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counted once for each token, as calls that come while the user has not answered yet ask nothing new. */
  mayAsk(operation: string, { token }: Account): boolean {
    const now = this.#now();
    let asked = this.#asked.get(operation);
    if (asked === undefined || now - asked.first > memoryMs) {
      asked = { first: now, count: 0, token: '' };
      this.#asked.delete(operation);
      if (this.#asked.size >= maxOperations) this.#asked.delete(this.#asked.keys().next().value ?? '');
      this.#asked.set(operation, asked);
    }
    if (asked.token !== token) asked.count += 1;
    asked.token = token;
    return asked.count <= maxStepUps;
  }
}
