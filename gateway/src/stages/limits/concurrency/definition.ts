import { z } from 'zod';
import { defineLimit } from '../contract.ts';
import { Concurrency } from './concurrency.ts';

export const concurrency = defineLimit({
  id: 'concurrency',
  summary: 'How many requests and streams one caller has under way.',
  options: {
    concurrency: z
      .int()
      .min(1)
      .max(100_000)
      .default(256)
      .describe('Requests that one caller may have under way; at most seven in eight of them at one server.'),
    streams: z.int().min(1).max(100_000).default(64).describe('Open notification streams of one caller.'),
  },
  create: () => new Concurrency(),
});
