/** How the engine of this process treats its memory. */
import { setFlagsFromString } from 'node:v8';

/**
 * Keeps what is made for a call in the young generation. Of objects that were alive at several collections the engine learns
 * to make them in the old one, and 256 calls under way are enough for that: each then keeps what it leads to alive until a
 * full collection (measured: docs/decisions/0018).
 */
export function keepCallsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
