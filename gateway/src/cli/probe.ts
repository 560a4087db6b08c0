/** The first steps of reaching a server over the network, each on its own: DNS, TCP, TLS. */
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export interface ProbeStep {
  readonly step: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

/** Stops after the first step that fails. `timeout` in milliseconds counts for each step. */
export async function probeNetwork(url: string, timeout: number): Promise<readonly ProbeStep[]> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
  const steps: ProbeStep[] = [];
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
    await opened(socket, 'connect', timeout);
    return `${address} port ${number}`;
  });
  steps.push(reached);
  if (!reached.ok || protocol !== 'https:') return steps;
  steps.push(
    await timed('TLS', timeout, async () => {
      const name = isIP(host) === 0 ? { servername: host } : {};
      const socket: TLSSocket = connectTls({ host: address, port: number, ...name });
      await opened(socket, 'secureConnect', timeout);
      const { subject, valid_to: validTo } = socket.getPeerCertificate();
      return `${socket.getProtocol() ?? 'TLS'}, certificate of ${String(subject.CN)} valid until ${validTo}`;
    }),
  );
  return steps;
}

/** Waits until a socket is open, and closes it. */
function opened(socket: Socket, event: string, timeout: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once(event, resolve);
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
