/** Pins: what becomes of definitions that are not approved. */
import { z } from 'zod';

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

export const pins = z
  .strictObject({ mode: mode.default('first-use'), onChange: onChange.default('quarantine') })
  .describe('Whether definitions must be approved before clients see them.');

export const serverPins = z
  .strictObject({ mode: mode.optional(), onChange: onChange.optional() })
  .describe('For this server, in place of the pins of the gateway.');

export type PinSettings = z.output<typeof pins>;
