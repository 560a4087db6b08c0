/** Pins that are off. */
import type { Pins } from '../../src/pipeline/contracts/pins.ts';

export const noPins: Pins = {
  version: () => 0,
  judge: (_server, _kind, items) => Promise.resolve(items.map((content) => ({ content, isNew: false }))),
  judgeInstructions: (_server, text) => Promise.resolve(text),
  judgeInfo: (_server, { info = {} }) => info,
  met: () => {},
};
