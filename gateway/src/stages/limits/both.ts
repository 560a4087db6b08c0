import type { Lease, Use } from '../../pipeline/contracts/limit.ts';

/** Two leases in one: smaller than a list of them and a function that has it, as every call makes some. */
export class Both implements Lease {
  readonly #first: Lease;
  readonly #second: Lease;

  constructor(first: Lease, second: Lease) {
    this.#first = first;
    this.#second = second;
  }

  settle(use: Use): void {
    this.#first.settle(use);
    this.#second.settle(use);
  }
}
