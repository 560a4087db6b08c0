/** Client certificates: the caller that a verified certificate stands for, by the names in it. */
import type { Authenticator } from '../../../pipeline/contracts/authenticate.ts';
import type { Caller } from '../../../pipeline/contracts/caller.ts';
import { pass, refuse } from '../../../pipeline/refusal.ts';
import { type CallerSettings, callerFrom } from '../caller.ts';

const maxRemembered = 10_000;

/** A certificate with this alternative name stands for this caller. */
export interface CertificateEntry {
  readonly name: string;
  readonly user?: string | undefined;
  readonly agent?: string | undefined;
  readonly application?: string | undefined;
}

export function certificateAuthenticator(
  configuration: CallerSettings,
  entries: readonly CertificateEntry[],
): Authenticator {
  const callers = new Map<string, Caller | string>();
  const callerOf = (thumbprint: string, names: readonly string[], expiresAt: number): Caller | string => {
    let caller = callers.get(thumbprint);
    if (caller !== undefined) return caller;
    const entry = entries.find(({ name }) => names.includes(name));
    if (entry === undefined) return `no caller for ${names.join(', ') || 'a certificate without names'}`.slice(0, 500);
    const { user, agent, application } = entry;
    const id = `certificate_${thumbprint.slice(0, 16)}`;
    const credential = { kind: 'certificate', id, expiresAt, names, thumbprint } as const;
    caller = callerFrom(configuration, { user, agent, application }, { credential });
    if (callers.size >= maxRemembered) callers.clear();
    callers.set(thumbprint, caller);
    return caller;
  };
  return {
    id: 'certificate',
    kinds: ['certificate'],
    // A certificate that is revoked ends its connections, and with them all that they carry (TLS listener).
    stands: () => true,
    renew({ credential: { thumbprint = '', names = [], expiresAt = 0 } }) {
      const caller = callerOf(thumbprint, names, expiresAt);
      return typeof caller === 'string' ? undefined : caller;
    },
    authenticate({ authorization, certificate }) {
      // An Authorization header counts before the certificate, which may only be there for the connection.
      if (certificate === undefined || authorization !== undefined) return undefined;
      // The connection may be older than the end of its certificate.
      if (certificate.expiresAt <= Date.now())
        return refuse({ reason: 'credentials-invalid', cause: 'expired', detail: 'certificate: expired' });
      const caller = callerOf(certificate.thumbprint, certificate.names, certificate.expiresAt);
      return typeof caller === 'string'
        ? refuse({ reason: 'credentials-invalid', cause: 'caller', detail: `certificate: ${caller}` })
        : pass(caller);
    },
  };
}
