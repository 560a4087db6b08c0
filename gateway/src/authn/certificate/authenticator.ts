/** Client certificates: whom a verified certificate stands for, by the names in it. */
import type { Configuration } from '../../config/schema/index.ts';
import type { Authenticator } from '../../pipeline/authenticate.ts';
import type { Caller } from '../../pipeline/caller.ts';
import { pass, refuse } from '../../pipeline/refusal.ts';
import { callerFrom } from '../caller.ts';

const mostRemembered = 10_000;

export function certificateAuthenticator(configuration: Configuration): Authenticator {
  const entries = configuration.authentication.certificates;
  const callers = new Map<string, Caller | string>();
  return {
    id: 'certificate',
    authenticate({ authorization, certificate }) {
      // Whoever presents something else as well is judged by that: a certificate may only carry the connection.
      if (certificate === undefined || authorization !== undefined) return undefined;
      // The connection may be older than the end of its certificate.
      if (certificate.expiresAt <= Date.now())
        return refuse({ reason: 'credentials-invalid', detail: 'certificate: expired' });
      let caller = callers.get(certificate.thumbprint);
      if (caller === undefined) {
        const entry = entries.find(({ name }) => certificate.names.includes(name));
        if (entry === undefined) {
          const detail = `certificate: no caller for ${certificate.names.join(', ') || 'a certificate without names'}`;
          return refuse({ reason: 'credentials-invalid', detail: detail.slice(0, 512) });
        }
        const { user, agent, application } = entry;
        caller = callerFrom(
          configuration,
          { user, agent, application },
          {
            kind: 'certificate',
            id: `certificate_${certificate.thumbprint.slice(0, 16)}`,
            expiresAt: certificate.expiresAt,
          },
        );
        if (callers.size >= mostRemembered) callers.clear();
        callers.set(certificate.thumbprint, caller);
      }
      return typeof caller === 'string'
        ? refuse({ reason: 'credentials-invalid', detail: `certificate: ${caller}` })
        : pass(caller);
    },
  };
}
