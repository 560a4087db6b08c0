/**
 * TLS towards clients: certificates that are read again when their files change, and client certificates. What a
 * connection proved is worked out once, after its handshake.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { Configuration } from '../../config/schema/index.ts';
import type { ClientCertificate } from '../../pipeline/contracts/authenticate.ts';
import { readRegularSync } from '../../stores/regular-file.ts';

export type TlsSettings = NonNullable<Configuration['listen']['mcp']['tls']>;

export interface TlsLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

const pollIntervalMs = 2_000;
/** Bytes of one file: authorities of a whole organisation, and the lists of what they revoked. */
const maxFileBytes = 8 * 1024 ** 2;

export interface TlsListener {
  readonly server: Server;
  /** The certificate of the client behind a request; `undefined` when it showed none. */
  certificateOf(socket: Socket): ClientCertificate | undefined;
  close(): void;
}

type Handler = (request: IncomingMessage, response: import('node:http').ServerResponse) => void;

export interface TlsParts {
  /** Of the HTTP server. */
  readonly options: object;
  readonly handler: Handler;
  readonly log: TlsLog;
}

export function tlsListener(settings: TlsSettings, { options, handler, log }: TlsParts): TlsListener {
  const proved = new WeakMap<Socket, ClientCertificate>();
  const clients = new Set<TLSSocket>();
  const refused = new WeakSet<Socket>();
  const { clients: asked } = settings;
  const server = createServer(
    {
      ...options,
      ...contextOf(settings),
      requestCert: asked !== undefined,
      rejectUnauthorized: asked?.required === true,
    },
    (request, response) => {
      // What came along with the handshake is parsed all the same.
      if (!refused.has(request.socket)) handler(request, response);
    },
  );
  server.on('secureConnection', (socket) => {
    const certificate = asked === undefined ? undefined : socket.getPeerX509Certificate();
    if (certificate === undefined) return;
    // One that does not verify, has expired or is revoked is worse than none: nothing is read from this connection.
    if (!socket.authorized) {
      log.warn({ problem: String(socket.authorizationError) }, 'client certificate refused');
      refused.add(socket);
      socket.destroy();
      return;
    }
    proved.set(socket, readCertificate(certificate));
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
  });
  let seen = signature(settings);
  const timer = setInterval(() => {
    const now = signature(settings);
    if (now === seen) return;
    try {
      server.setSecureContext(contextOf(settings));
      seen = now;
    } catch (error) {
      log.warn({ err: error }, 'TLS files cannot be used: the old ones stay');
      return;
    }
    // Who is revoked now may have a connection open; those who are not come back at once.
    for (const socket of clients) socket.destroy();
  }, pollIntervalMs).unref();
  return { server, certificateOf: (socket) => proved.get(socket), close: () => clearInterval(timer) };
}

function contextOf({ certificate, key, minimum, clients }: TlsSettings): SecureContextOptions {
  return {
    cert: contentOf(certificate),
    key: contentOf(key),
    minVersion: minimum === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    honorCipherOrder: true,
    ...(clients === undefined ? {} : { ca: contentOf(clients.authorities) }),
    ...(clients?.revoked === undefined ? {} : { crl: contentOf(clients.revoked) }),
  };
}

/** Throws when it is no regular file of that size: a FIFO would be waited for without end, and everything with it. */
function contentOf(path: string): Buffer {
  const read = readRegularSync(path, maxFileBytes);
  if (!read.ok) throw new Error(`${path} cannot be read: ${read.problem}`);
  return read.bytes;
}

function readCertificate(certificate: X509Certificate): ClientCertificate {
  return {
    // RFC 8705, 3.1: SHA-256 of the DER encoding, base64url.
    thumbprint: createHash('sha256').update(certificate.raw).digest('base64url'),
    names: (certificate.subjectAltName ?? '').split(', ').filter((name) => /^(?:URI|DNS|email):[^"]+$/.test(name)),
    expiresAt: Date.parse(certificate.validTo),
  };
}

function signature({ certificate, key, clients }: TlsSettings): string {
  return [certificate, key, clients?.authorities, clients?.revoked]
    .map((path) => {
      const info = path === undefined ? undefined : statSync(path, { bigint: true, throwIfNoEntry: false });
      return info === undefined ? '-' : `${info.ino}:${info.size}:${info.mtimeNs}`;
    })
    .join(' ');
}
