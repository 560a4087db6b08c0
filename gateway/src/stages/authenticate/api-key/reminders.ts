/** Keys that are due for replacement. A reminder never refuses a key. */
import type { StoredKey } from '../../../stores/contract/keys.ts';

const dayMs = 86_400_000;
/** A key is spoken of this long before its end. */
const soon = 14 * dayMs;
const maxRemembered = 10_000;

export type Reminder = 'old' | 'expires soon';

/** `maxAge` in milliseconds. `undefined`: nothing to say, as of keys that are no longer valid. */
export function reminderOf(key: StoredKey, maxAge: number | undefined, now: number): Reminder | undefined {
  const { createdAt, expiresAt, revokedAt } = key;
  if (revokedAt !== undefined || (expiresAt !== undefined && expiresAt <= now)) return undefined;
  if (expiresAt !== undefined && expiresAt - now <= soon) return 'expires soon';
  return maxAge !== undefined && now - createdAt > maxAge ? 'old' : undefined;
}

/** Says it once for each key and day. */
export class Reminders {
  readonly #said = new Map<string, number>();

  due(keys: Iterable<StoredKey>, maxAge: number | undefined, now: number): readonly (readonly [StoredKey, Reminder])[] {
    const due: (readonly [StoredKey, Reminder])[] = [];
    for (const key of keys) {
      const reminder = reminderOf(key, maxAge, now);
      const said = this.#said.get(key.id);
      if (reminder === undefined || (said !== undefined && now - said < dayMs)) continue;
      if (this.#said.size >= maxRemembered) this.#said.clear();
      this.#said.set(key.id, now);
      due.push([key, reminder]);
    }
    return due;
  }
}
