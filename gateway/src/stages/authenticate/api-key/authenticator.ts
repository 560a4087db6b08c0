/** API keys as `Authorization: Bearer sp_…`. */
import type { Authenticator } from '../../../pipeline/contracts/authenticate.ts';
import type { Caller } from '../../../pipeline/contracts/caller.ts';
import { pass, refuse } from '../../../pipeline/refusal.ts';
import type { StoredKey } from '../../../stores/contract/keys.ts';
import { type CallerSettings, callerFrom } from '../caller.ts';
import { keyPrefix } from './format.ts';
import type { KeyRing } from './key-ring.ts';

/** Made for each revision, since roles and attributes come from it; the key ring lives on. */
export function apiKeyAuthenticator(configuration: CallerSettings, keys: KeyRing): Authenticator {
  const callers = new WeakMap<StoredKey, Caller | string>();
  const callerOf = (key: StoredKey): Caller | string => {
    let caller = callers.get(key);
    if (caller === undefined) {
      const { id, expiresAt } = key;
      const credential = { kind: 'api-key', id, ...(expiresAt === undefined ? {} : { expiresAt }) } as const;
      caller = callerFrom(configuration, key, { credential });
      callers.set(key, caller);
    }
    return caller;
  };
  return {
    id: 'api-key',
    kinds: ['api-key'],
    stands: ({ credential }) => keys.valid(credential.id) !== undefined,
    renew({ credential }) {
      const key = keys.valid(credential.id);
      const caller = key === undefined ? undefined : callerOf(key);
      return typeof caller === 'string' ? undefined : caller;
    },
    authenticate({ authorization, address, transport }) {
      const presented = bearer(authorization);
      if (presented === undefined) return undefined;
      const checked = keys.check(presented, address);
      if (!checked.ok && checked.reason === 'elsewhere')
        return refuse({
          reason: 'credentials-invalid',
          cause: 'address',
          detail: `API key ${checked.id} may not be used from ${address ?? transport}`,
        });
      if (!checked.ok)
        return refuse({ reason: 'credentials-invalid', cause: checked.reason, detail: `API key ${checked.reason}` });
      const { key } = checked;
      const caller = callerOf(key);
      if (typeof caller === 'string')
        return refuse({ reason: 'credentials-invalid', cause: 'caller', detail: `API key ${key.id}: ${caller}` });
      return pass(caller);
    },
  };
}

/** The API key in an Authorization header, if that is what it holds. The scheme knows no case (RFC 9110 11.1). */
function bearer(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > 256) return undefined;
  const key = authorization.startsWith('Bearer ')
    ? authorization.slice(7)
    : /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  return key?.startsWith(keyPrefix) === true ? key : undefined;
}
