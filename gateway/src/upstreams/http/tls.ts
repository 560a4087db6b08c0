/** TLS towards a server: verified always, with authorities, pins and a certificate of our own where they are declared. */
import { createHash, X509Certificate } from 'node:crypto';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { HttpServerConfig } from '../../config/schema/servers.ts';

type Settings = NonNullable<HttpServerConfig['tls']>;

export interface TlsOptions {
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined;
}

/** True until the declared day has come: milliseconds since the epoch. */
export function isInsecure(settings: Settings | undefined, now: number): boolean {
  return settings?.insecureUntil !== undefined && now < Date.parse(`${settings.insecureUntil}T00:00:00Z`);
}

export function tlsOptions(settings: Settings): TlsOptions {
  const { authorities, certificate, key, pins, minimum } = settings;
  return {
    minVersion: minimum === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(certificate === undefined || key === undefined ? {} : { cert: certificate, key }),
    ...(pins.length === 0
      ? {}
      : {
          checkServerIdentity: (host, peer) => {
            const problem = checkServerIdentity(host, peer);
            if (problem !== undefined) return problem;
            return pins.includes(pinOf(peer.raw)) ? undefined : new Error('the key of the server is not pinned');
          },
        }),
  };
}

/** SHA-256 of the public key (SubjectPublicKeyInfo), base64, as in RFC 7469: it survives a renewal with the same key. */
export function pinOf(certificate: Buffer): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}
