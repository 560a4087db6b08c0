/** The evidence log: what is recorded, how surely, and for how long. */
import { z } from 'zod';
import { duration, secret, size } from './units.ts';

const capture = z.enum(['full', 'redacted', 'digest']);
const age = duration.optional();
const onFailure = z.enum(['refuse', 'allow']);

export const audit = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Without it nothing is recorded, nor are decisions that this process is the first to notice beside others on the same data folder. For measurements only; counts from the next start on.',
      ),
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
    index: z
      .boolean()
      .default(true)
      .describe('Keep the index of searches up to date. `audit search` does it otherwise.'),
    retention: z
      .strictObject({
        read: age.describe('Age at which arguments, results and names of calls of this tier are dropped.'),
        write: age.describe('The same for the tier write.'),
        destructive: age.describe('The same for the tier destructive.'),
        records: age.describe('Age at which the public parts go as well. Their hashes stay.'),
        size: size
          .optional()
          .describe(
            'Largest size of each log on the disk. Beyond it arguments, results and names go, the oldest first, whatever their tier. The last 32 MiB stay.',
          ),
        reserve: size
          .optional()
          .describe(
            'Space that stays free on the disk of the log. With less, arguments, results and names go, the oldest first. A warning comes below four times as much.',
          ),
      })
      .prefault({})
      .describe(
        'What is dropped after which time, and when space runs out. A record in the log says what was. Without it everything stays.',
      ),
    anchors: z
      .strictObject({
        every: duration.prefault('1h').describe('Time between two checkpoints that are handed over.'),
        files: z
          .array(z.string().min(1).max(4096))
          .max(8)
          .default([])
          .describe('Files, such as on another disk, to which checkpoints are appended.'),
        urls: z
          .array(z.url({ protocol: /^https?$/ }))
          .max(8)
          .default([])
          .describe('Where each checkpoint is sent by PUT.'),
        witnesses: z
          .array(
            z.strictObject({
              url: z
                .url({ protocol: /^https?$/ })
                .describe('Submission prefix of the witness (c2sp.org/tlog-witness).'),
              key: z.string().max(1024).describe('Its key: name+id+base64.'),
            }),
          )
          .max(8)
          .default([])
          .describe('Witnesses that sign that the log only ever grew.'),
        timestamps: z
          .array(
            z.strictObject({
              url: z.url({ protocol: /^https?$/ }).describe('Where it is asked (RFC 3161 over HTTP).'),
              policy: z
                .string()
                .regex(/^([01]\.[1-3]?\d|2\.\d{1,2})(\.(0|[1-9]\d{0,8})){1,16}$/)
                .optional()
                .describe('Object identifier of the policy that it must stamp under.'),
            }),
          )
          .max(8)
          .default([])
          .describe('Time stamping authorities that sign when each of these checkpoints existed.'),
      })
      .prefault({})
      .describe('Who else keeps or signs checkpoints, so that the log cannot be replaced unseen.'),
    keys: z
      .strictObject({
        signing: secret.optional().describe('Ed25519 private key in PEM. Without it a key in the data folder.'),
        master: secret
          .optional()
          .describe(
            'Key that wraps the keys of the log: 64 hexadecimal digits. Without it keys/master in the data folder.',
          ),
      })
      .prefault({})
      .describe('Keys that do not lie in the data folder.'),
  })
  .describe('The evidence log.');
