/** The evidence log: what is recorded, how surely, and for how long. */
import { z } from 'zod';
import { size } from './units.ts';

const capture = z.enum(['full', 'redacted', 'digest']);
const onFailure = z.enum(['refuse', 'allow']);

export const audit = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Without it nothing is recorded. For measurements only.'),
    durability: z
      .enum(['before-reply', 'before-forward', 'none'])
      .default('before-reply')
      .describe(
        'What waits until its record is on disk. before-reply: answers, and calls of the tiers write and destructive before they are forwarded. before-forward: every call as well. none: nothing.',
      ),
    onFailure: z
      .strictObject({
        read: onFailure.default('refuse'),
        write: onFailure.default('refuse'),
        destructive: onFailure.default('refuse'),
      })
      .prefault({})
      .describe('What happens to calls of each tier while records cannot be written.'),
    capture: z
      .strictObject({
        read: capture.default('full'),
        write: capture.default('full'),
        destructive: capture.default('full'),
        connections: z
          .record(z.string().min(1).max(128), capture)
          .default({})
          .describe('Connections that differ from their tier. Of several connections the strictest counts.'),
        limit: size.prefault('64KiB').describe('Longest text that is kept of arguments, and of a result.'),
      })
      .prefault({})
      .describe(
        'What is kept, encrypted, of arguments and results of each tier. full: all of it. redacted: names of members without values. digest: a keyed digest only.',
      ),
    queue: z
      .strictObject({
        records: z.int().min(256).max(1_000_000).default(65_536),
        bytes: size.prefault('64MiB'),
      })
      .prefault({})
      .describe('Records that wait for the disk. When it is full, calls wait.'),
  })
  .describe('The evidence log.');
