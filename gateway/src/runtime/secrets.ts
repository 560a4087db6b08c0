/** Secrets of a configuration while it is loaded: where they come from, and which edition of each was read last. */
import type { LoadOptions } from '../config/load.ts';
import { openSecretSource } from '../secrets/source.ts';

export interface ManagedSecrets {
  readonly loading: LoadOptions;
  /** Which edition of each stored secret was read last. */
  readonly editions: ReadonlyMap<string, string>;
  /** True when something was read from another manager. */
  remote(): boolean;
}

export function manageSecrets(): ManagedSecrets {
  const editions = new Map<string, string>();
  let remote = false;
  return {
    editions,
    remote: () => remote,
    loading: {
      good: new Map(),
      open: (settings, data) => {
        const source = openSecretSource(settings, data, editions);
        return (kind, name) => {
          remote ||= kind !== 'secret';
          return source(kind, name);
        };
      },
    },
  };
}
