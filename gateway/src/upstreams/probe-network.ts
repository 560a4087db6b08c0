/** The first steps of reaching a server over the network, each on its own: DNS, TCP, TLS. */
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { HttpServerConfig } from '../config/schema/servers.ts';
import { environmentProxies, openTunnel, type Proxy, type Tunnel } from '../egress/proxy.ts';
import { isInsecure, tlsOptions } from './http/tls.ts';
import type { ProbeStep } from './probe.ts';

/**
 * Stops after the first step that fails. `timeout` in milliseconds counts for each step. Certificates are verified as
 * for calls: with the authorities, pins and exceptions of the server.
 */
export async function probeNetwork(
  { url, tls }: Pick<HttpServerConfig, 'url' | 'tls'>,
  timeout: number,
): Promise<readonly ProbeStep[]> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  const steps: ProbeStep[] = [];
  const proxy = environmentProxies(new URL(url));
  if (proxy !== undefined)
    return [await timed('proxy', timeout, () => tunnelled(proxy, { host, port: number, timeoutMs: timeout }))];
  let address = host;
  const resolved = await timed('DNS', timeout, async () => {
    if (isIP(host) !== 0) return 'an address, nothing to look up';
    const found = await lookup(host, { all: true });
    address = found[0]?.address ?? host;
    return found.map((each) => each.address).join(', ');
  });
  steps.push(resolved);
  if (!resolved.ok) return steps;
  const reached = await timed('TCP', timeout, async () => {
    const socket = connectTcp({ host: address, port: number });
    return await opened(socket, 'connect', timeout, () => `${address} port ${number}`);
  });
  steps.push(reached);
  if (!reached.ok || protocol !== 'https:') return steps;
  let certificateDays: number | undefined;
  const secured = await timed('TLS', timeout, async () => {
    const insecure = isInsecure(tls, Date.now());
    const socket: TLSSocket = connectTls({
      host: address,
      port: number,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(tls === undefined ? {} : tlsOptions(tls)),
      rejectUnauthorized: !insecure,
    });
    return await opened(socket, 'secureConnect', timeout, () => {
      const { subject, valid_to: validTo } = socket.getPeerCertificate();
      certificateDays = Math.floor((Date.parse(validTo) - Date.now()) / 86_400_000);
      const verified = insecure ? `, NOT VERIFIED until ${tls?.insecureUntil}` : '';
      return `${socket.getProtocol() ?? 'TLS'}, certificate of ${String(subject.CN)} valid until ${validTo}${verified}`;
    });
  });
  steps.push(certificateDays === undefined ? secured : { ...secured, certificateDays });
  return steps;
}

/** Through a proxy names are looked up there, and what follows is what the handshake says. */
function tunnelled(proxy: Proxy, tunnel: Tunnel): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  openTunnel(proxy, tunnel, (opening) => {
    if (!opening.ok) return reject(new Error(opening.problem));
    opening.socket.destroy();
    resolve(`${proxy.url.host} leads to ${tunnel.host}:${tunnel.port}`);
  });
  return promise;
}

/** Waits until a socket is open, and closes it. `read`: what there is to say about it, which only an open one knows. */
function opened(socket: Socket, event: string, timeout: number, read: () => string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.once(event, () => resolve(read()));
  socket.once('error', reject);
  socket.setTimeout(timeout, () => reject(new Error(`nothing within ${timeout} ms`)));
  return promise.finally(() => socket.destroy());
}

async function timed(step: string, timeout: number, work: () => Promise<string>): Promise<ProbeStep> {
  const started = performance.now();
  const { promise: late, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(new Error(`nothing within ${timeout} ms`)), timeout);
  try {
    const detail = await Promise.race([work(), late]);
    return { step, ok: true, ms: performance.now() - started, detail };
  } catch (error) {
    return { step, ok: false, ms: performance.now() - started, detail: (error as Error).message };
  } finally {
    clearTimeout(timer);
  }
}
