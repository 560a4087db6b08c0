/** Opens connections to one server, through a proxy where one is set: TCP, or TLS 1.2 and later. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { environmentProxies, openTunnel, type ProxyFor } from '../../../egress/proxy.ts';
import type { TlsOptions } from '../tls.ts';

export type Dialled = { readonly ok: true; readonly socket: Socket } | { readonly ok: false; readonly problem: string };

export interface Dialling {
  abort(): void;
}

export type Dial = (done: (dialled: Dialled) => void) => Dialling;

export interface DialOptions {
  /** For everything until the connection can be used. */
  readonly timeoutMs: number;
  /**
   * Asked for each connection: the end of an exception to verification needs no restart. Sessions are not resumed, as a
   * resumed one is not verified anew.
   */
  readonly tls: () => TlsOptions & { readonly rejectUnauthorized?: boolean };
  readonly proxyFor?: ProxyFor;
}

const probeAfterMs = 60_000;

export function dialler(url: URL, { timeoutMs, tls, proxyFor = environmentProxies }: DialOptions): Dial {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isTls = url.protocol === 'https:';
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  const keepAlive = { noDelay: true, keepAlive: true, keepAliveInitialDelay: probeAfterMs };
  const base = { host, port, ...keepAlive };
  const secured = (): ConnectionOptions => ({
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    ...tls(),
  });
  return (done) => {
    const deadline = performance.now() + timeoutMs;
    const proxy = proxyFor(url);
    if (proxy === undefined)
      return ready(isTls ? connectTls({ ...base, ...secured() }) : connectTcp(base), { isTls, timeoutMs }, done);
    let abort = openTunnel(proxy, { host, port, timeoutMs }, (tunnelled) => {
      if (!tunnelled.ok) return done(tunnelled);
      const { socket } = tunnelled;
      socket.setKeepAlive(true, probeAfterMs);
      if (!isTls) {
        socket.resume();
        return done({ ok: true, socket });
      }
      const left = Math.max(1, deadline - performance.now());
      const securing = ready(connectTls({ socket, host, ...secured() }), { isTls, timeoutMs: left }, done);
      abort = () => securing.abort();
    });
    return { abort: () => abort() };
  };
}

/** Calls back when the socket can be used, or when it cannot. */
function ready(
  socket: Socket,
  { isTls, timeoutMs }: { readonly isTls: boolean; readonly timeoutMs: number },
  done: (dialled: Dialled) => void,
): Dialling {
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
  const timer = setTimeout(
    () => finish({ ok: false, problem: `no connection within ${Math.round(timeoutMs)} ms` }),
    timeoutMs,
  );
  socket.on('error', failed);
  socket.on('close', closed);
  socket.once(isTls ? 'secureConnect' : 'connect', () => finish({ ok: true, socket }));
  return { abort: () => finish({ ok: false, problem: 'abandoned' }) };
}

/** Of several addresses that were tried the first failure is told. */
export function problemOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (!(first instanceof Error)) return error.message;
  return 'code' in first ? `${String(first.code)}: ${first.message}` : first.message;
}
