/** Opens everything that API keys need in a data folder, for the gateway and for the command line alike. */
import { join } from 'node:path';
import type { Failed } from '../../../protocol/result.ts';
import { openPepper } from '../../../secrets/pepper.ts';
import type { KeyStore, StoredKey } from '../../../stores/contract/keys.ts';
import { openKeyStore } from '../../../stores/sqlite/keys.ts';
import type { CallerNames } from '../caller.ts';
import { generateKey, generateKeyId, macOf } from './format.ts';
import { KeyRing } from './key-ring.ts';

export type Opened<Value> = { readonly ok: true; readonly value: Value } | Failed;

/** `onTrouble` hears when the store cannot be read for a while. The ring closes the store with itself. */
export function openKeyRing(folder: string, onTrouble?: (error: unknown) => void): Opened<KeyRing> {
  return guarded(folder, (store, pepper) => new KeyRing({ store, pepper, ...(onTrouble && { onTrouble }) }));
}

export interface NewKey extends CallerNames {
  readonly name?: string | undefined;
  readonly expiresAt?: number | undefined;
  readonly networks?: readonly string[] | undefined;
}

export interface KeyAdmin {
  readonly store: KeyStore;
  /** Makes a key. `text` is the key itself, which cannot be shown again. */
  create(key: NewKey, now: number): { readonly text: string; readonly stored: StoredKey };
}

/** For making and revoking keys, beside a running gateway or without one. */
export function openKeyAdmin(folder: string): Opened<KeyAdmin> {
  return guarded(folder, (store, pepper) => ({
    store,
    create: (key, now) => {
      const text = generateKey();
      const given = Object.fromEntries(Object.entries(key).filter(([, value]) => value !== undefined));
      const stored: StoredKey = { ...given, id: generateKeyId(), mac: macOf(text, pepper), createdAt: now };
      store.add(stored);
      return { text, stored };
    },
  }));
}

function guarded<Value>(folder: string, make: (store: KeyStore, pepper: Buffer) => Value): Opened<Value> {
  try {
    const opened = openPepper(folder);
    if (!opened.ok) return opened;
    return { ok: true, value: make(openKeyStore(folder), opened.pepper) };
  } catch (error) {
    const problem = `the keys in ${join(folder, 'sallyport.db')} cannot be used: ${(error as Error).message}`;
    return {
      ok: false,
      problem,
      remedy: 'Restore it from a backup, in a folder that this user can write (data in the configuration).',
    };
  }
}
