import { z } from 'zod';
import { pass } from '../../src/pipeline/refusal.ts';
import { callerFrom } from '../../src/stages/authenticate/caller.ts';
import { defineAuthenticator } from '../../src/stages/authenticate/contract.ts';

export const toyAuthenticator = defineAuthenticator({
  id: 'toy',
  summary: 'A word in a header stands for an agent.',
  options: z.strictObject({ word: z.string(), agent: z.string() }).optional(),
  callers: (options) => (options === undefined ? [] : [{ path: [], caller: { agent: options.agent } }]),
  create(options, { configuration }) {
    if (options === undefined) return undefined;
    const caller = callerFrom(
      configuration,
      { agent: options.agent },
      { credential: { kind: 'anonymous', id: 'toy' } },
    );
    return {
      id: 'toy',
      kinds: [],
      stands: () => true,
      renew: (known) => known,
      authenticate: ({ headers }) =>
        headers['x-toy'] === options.word && typeof caller !== 'string' ? pass(caller) : undefined,
    };
  },
});
