/** The caller that a request without any credential stands for, where the configuration names one. */
import type { Authenticator } from '../../../pipeline/contracts/authenticate.ts';
import { pass } from '../../../pipeline/refusal.ts';
import { type CallerSettings, callerFrom } from '../caller.ts';

export function anonymousAuthenticator(
  configuration: CallerSettings,
  named: Parameters<typeof callerFrom>[1] | undefined,
): Authenticator {
  const caller = named && callerFrom(configuration, named, { credential: { kind: 'anonymous', id: 'anonymous' } });
  const at = named && callerFrom(configuration, named, { credential: { kind: 'local', id: 'stdio' } });
  return {
    id: 'anonymous',
    kinds: ['anonymous', 'local'],
    stands: () => true,
    renew({ credential }) {
      const current = credential.kind === 'local' ? at : caller;
      return typeof current === 'string' ? undefined : current;
    },
    // A credential that is wrong is never taken for none.
    authenticate: ({ authorization }) =>
      authorization !== undefined || caller === undefined || typeof caller === 'string' ? undefined : pass(caller),
  };
}
