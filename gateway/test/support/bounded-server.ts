/** A server whose connections are bounded, with what its clients do. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { Connections } from '../../src/listeners/http/connections.ts';

export const max = 40;
export const long = 8 * 1024 * 1024;
/** TLS by a key that both have, which needs no certificates. */
const psk = Buffer.alloc(32, 7);
const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
const asClient = { pskCallback: () => ({ psk, identity: 'test' }), checkServerIdentity: () => undefined };

/**
 * Answers `/<caller>` for that caller, `/` for none, and `/<caller>/long` with megabytes; the answer to `/<caller>/held` does not
 * end, that to `/<caller>/slow` does not begin, and that to `/<caller>/refused` waits for the rest of the body.
 */
export async function serve(proxies: readonly string[] = [], secured = false, bound = max) {
  const connections = new Connections({ max: bound, proxies, log: { warn: () => {} }, remedy: 'none' });
  const answer: RequestListener = (request, response) => {
    connections.asked(request.socket, response);
    const [, caller = '', how] = (request.url ?? '').split('/');
    if (caller === '') connections.unknown(request.socket);
    else if (!connections.known(request.socket, caller)) return void request.socket.destroy();
    if (how === 'slow') return;
    if (how === 'refused') return void response.writeHead(413, { 'content-length': 3 }).write('no.');
    if (how === 'held') response.write('held');
    else response.end(how === 'long' ? Buffer.alloc(long, 0x78) : 'short');
  };
  const server = secured ? createSecureServer({ ...tls, pskCallback: () => psk }, answer) : createServer(answer);
  connections.watch(server);
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  return {
    connections,
    async open(options: Partial<NetConnectOpts> & { readonly host?: string; readonly localPort?: number } = {}) {
      const place = { host: '127.0.0.1', ...options, port };
      const socket = secured ? connectSecurely({ ...place, ...tls, ...asClient }) : connect(place);
      socket.on('error', () => {});
      socket.setMaxListeners(0);
      sockets.push(socket);
      await new Promise<void>((resolve) => {
        socket.once(secured ? 'secureConnect' : 'connect', () => resolve()).once('close', () => resolve());
      });
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export const ask = (socket: Socket, path: string): void =>
  void socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`);

/** Resolves also where the gateway resets the connection. */
export const next = (socket: Socket, event: 'data' | 'readable' | 'close'): Promise<string> =>
  new Promise((resolve) => {
    socket.once(event, (first: unknown) => resolve(Buffer.isBuffer(first) ? first.toString() : ''));
    socket.once('close', () => resolve(''));
  });

/** The first that comes, or an empty text where the connection ends before that. */
export async function answered(socket: Socket, path: string): Promise<string> {
  if (socket.destroyed) return '';
  ask(socket, path);
  return next(socket, 'data');
}

/** A request whose body does not come, refused or not. */
export async function slowly(world: Awaited<ReturnType<typeof serve>>, path: string): Promise<Socket> {
  const socket = await world.open();
  socket.write(`POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n`);
  await next(socket, 'data');
  return socket;
}
