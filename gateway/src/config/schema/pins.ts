/** Pins: what becomes of definitions that are not approved. */
import { z } from 'zod';
import { duration } from './units.ts';

const mode = z
  .enum(['review', 'first-use', 'lock', 'off'])
  .describe(
    'review: nothing is visible before it is approved. first-use: what is there at first contact is approved. lock: only what the lock file has. off: no pins.',
  );
const onChange = z
  .enum(['quarantine', 'keep'])
  .describe(
    'What becomes of a definition that changed: quarantine hides it; keep shows the approved one for as long as only its texts differ.',
  );

const every = z
  .union([z.literal('off'), duration.refine((ms) => ms >= 1_000, 'must be at least 1s')])
  .describe(
    'How often the gateway reads what servers define although no client asks, give or take a fifth: a length of time, or off. No process is started for it.',
  );

export const pins = z
  .strictObject({
    mode: mode.default('first-use'),
    onChange: onChange.default('quarantine'),
    every: every.default(3_600_000),
  })
  .describe('Whether definitions must be approved before clients see them.');

export const serverPins = z
  .strictObject({ mode: mode.optional(), onChange: onChange.optional(), every: every.optional() })
  .describe('For this server, in place of the pins of the gateway.');

export type PinSettings = z.output<typeof pins>;
