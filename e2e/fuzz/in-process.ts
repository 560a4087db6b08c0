/** Targets without a process of their own: a function takes an input, returns what is wrong, and throws for a bug only. */

import { inspect } from 'node:util';
import { cpuMs } from '../../gateway/test/support/cpu.ts';
import type { Random } from './random.ts';
import { maxTurnMs, type Subject, type Target } from './target.ts';

export interface Check {
  readonly name: string;
  readonly make: (random: Random) => Buffer;
  /** Set up once; the result is called for each input. */
  readonly open: () => Promise<(input: Buffer) => Promise<string | undefined> | string | undefined>;
}

const replays = 3;

export function inProcess({ name, make, open }: Check): Target {
  return {
    name,
    weight: 1,
    batch: 200,
    make,
    async open(): Promise<Subject> {
      const check = await open();
      let worst = 0;
      const timed = async (input: Buffer): Promise<{ readonly problem: string | undefined; readonly ms: number }> => {
        const began = cpuMs();
        let problem: string | undefined;
        try {
          const found = check(input);
          problem = found instanceof Promise ? await found : found;
        } catch (error) {
          problem = `threw ${inspect(error)}`;
        }
        return { problem, ms: cpuMs() - began };
      };
      const slow = async (input: Buffer, first: number): Promise<string | undefined> => {
        let least = first;
        for (let replay = 0; replay < replays; replay++) least = Math.min(least, (await timed(input)).ms);
        worst = Math.max(worst, least);
        return least > maxTurnMs ? `takes ${least.toFixed(0)} ms each time` : undefined;
      };
      return {
        async attempt(inputs) {
          for (const input of inputs) {
            const { problem, ms } = await timed(input);
            if (problem !== undefined) return problem;
            if (ms <= Math.max(worst, maxTurnMs / 4)) continue;
            const stalled = await slow(input, ms);
            if (stalled !== undefined) return stalled;
          }
          return undefined;
        },
        worstMs: () => worst,
        async [Symbol.asyncDispose]() {},
      };
    },
  };
}
