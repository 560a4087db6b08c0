/**
 * A credential with a second one in reserve: once the server refuses the first whatever it is asked, and it cannot be made anew,
 * the second is presented. It stays so until the configuration changes, or the server refuses that one as well.
 */
import type { Credential, CredentialHeaders, CredentialKind } from './contract.ts';

/** `onStandby`: it takes the place of the first one from now on. */
export function withStandby(first: CredentialKind, second: CredentialKind, onStandby: () => void): CredentialKind {
  let active: 'first' | 'second' = 'first';
  /** By what they are made of: a kind hands out the same one for the same caller. */
  const pairs = new WeakMap<Credential, Credential>();
  const pairOf = (one: Credential, other: Credential): Credential => {
    const current = (): Credential => (active === 'first' ? one : other);
    return {
      ready: () => current().ready(),
      current: () => current().current(),
      secrets: () => [...one.secrets(), ...other.secrets()],
      refused(headers) {
        // Another call found out a moment ago.
        if (isSame(headers, one.current()) && active === 'second') return true;
        return current().refused(headers);
      },
      replace(headers) {
        if (!isSame(headers, one.current())) return false;
        if (active === 'first') onStandby();
        active = 'second';
        return true;
      },
      accepted: () => current().accepted?.(),
      state: () => current().state(),
      ...(one.insufficient !== undefined && {
        insufficient: (...what: Parameters<NonNullable<Credential['insufficient']>>) => one.insufficient?.(...what),
      }),
      ...(one.onConnected !== undefined && {
        onConnected: (listener: () => void) => one.onConnected?.(listener) ?? (() => {}),
      }),
    };
  };
  return {
    perCaller: first.perCaller || second.perCaller,
    of(caller) {
      const one = first.of(caller);
      const known = pairs.get(one) ?? pairOf(one, second.of(caller));
      pairs.set(one, known);
      return known;
    },
    keyOf: (caller) => first.keyOf?.(caller) ?? second.keyOf?.(caller) ?? caller?.key ?? '',
    isOnStandby: () => active === 'second',
    *all() {
      yield* first.all();
      if (active === 'second')
        for (const [caller, credential] of second.all()) yield [`${caller} (standby)`.trim(), credential] as const;
    },
  };
}

function isSame(one: CredentialHeaders, other: CredentialHeaders): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
