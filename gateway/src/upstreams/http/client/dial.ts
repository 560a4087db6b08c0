/** Opens connections to one server: TCP, or TLS 1.2 and later. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { TlsOptions } from '../tls.ts';

export type Dialled = { readonly ok: true; readonly socket: Socket } | { readonly ok: false; readonly problem: string };

export interface Dialling {
  abort(): void;
}

export type Dial = (done: (dialled: Dialled) => void) => Dialling;

const probeAfterMs = 60_000;

/**
 * `timeout` in milliseconds, for everything until the connection can be used. `tls` is asked for each connection: the
 * end of an exception to verification needs no restart. Sessions are not resumed, as a resumed one is not verified anew.
 */
export function dialler(
  url: URL,
  timeout: number,
  tls: () => TlsOptions & { readonly rejectUnauthorized?: boolean },
): Dial {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isTls = url.protocol === 'https:';
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  const base = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: probeAfterMs };
  const secured = (): ConnectionOptions => ({
    ...base,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    ...tls(),
  });
  return (done) => {
    const socket: Socket = isTls ? connectTls(secured()) : connectTcp(base);
    let over = false;
    const finish = (dialled: Dialled): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.off('error', failed);
      socket.off('close', closed);
      if (!dialled.ok) {
        // Later errors of this socket have no meaning, and an unhandled one would end the process.
        socket.on('error', () => {});
        socket.destroy();
      }
      done(dialled);
    };
    const failed = (error: Error): void => finish({ ok: false, problem: problemOf(error) });
    const closed = (): void => finish({ ok: false, problem: 'the connection was closed' });
    const timer = setTimeout(() => finish({ ok: false, problem: `no connection within ${timeout} ms` }), timeout);
    socket.on('error', failed);
    socket.on('close', closed);
    socket.once(isTls ? 'secureConnect' : 'connect', () => finish({ ok: true, socket }));
    return { abort: () => finish({ ok: false, problem: 'abandoned' }) };
  };
}

/** Of several addresses that were tried the first failure is told. */
export function problemOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return error.message;
  return 'code' in first ? `${String(first.code)}: ${first.message}` : first.message;
}
