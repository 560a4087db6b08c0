/** Seeded choices: the same seed makes the same inputs in the same order. */
import { mulberry32 } from '../torture/torture.ts';

export interface Random {
  /** 0 to below `below`, whole. */
  readonly below: (below: number) => number;
  readonly chance: (share: number) => boolean;
  readonly pick: <T>(items: readonly [T, ...T[]] | readonly T[]) => T;
  /** Another stream of choices, which what is chosen here later does not change. */
  readonly fork: () => Random;
}

export function seeded(seed: number): Random {
  const next = mulberry32(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    below,
    chance: (share) => next() < share,
    pick: <T>(items: readonly T[]): T => {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
    fork: () => seeded(below(2 ** 31)),
  };
}
