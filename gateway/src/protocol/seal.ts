/** Something of the gateway's own that a client keeps for it: only this gateway can make and open it. */
import type { Json } from './json.ts';

export interface Seal {
  close(value: Json): string;
  /** `undefined` for text that was not sealed here for this purpose. */
  open(text: string): Json | undefined;
}
