/** Answers that break off: servers that write the bytes they should, and stop, cut or drip at a place that a test names. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** `cut` ends the connection, `reset` destroys it, `stall` keeps it and is silent, `drip` writes the rest byte by byte. */
export type Manner = 'cut' | 'reset' | 'stall' | 'drip';
export const manners: readonly Manner[] = ['cut', 'reset', 'stall', 'drip'];

export interface Breaking {
  readonly manner: Manner;
  /** Bytes that come before it. */
  readonly at: number;
}

export function writeBroken(socket: Socket, bytes: Buffer, { manner, at }: Breaking): void {
  const before = bytes.subarray(0, at);
  if (manner === 'cut') socket.end(before);
  else if (manner === 'reset') socket.write(before, () => socket.resetAndDestroy());
  else socket.write(before);
  if (manner === 'drip') drip(socket, bytes.subarray(at));
}

function drip(socket: Socket, rest: Buffer): void {
  if (rest.length === 0 || socket.destroyed) return;
  socket.write(rest.subarray(0, 1));
  setTimeout(() => drip(socket, rest.subarray(1)), 20).unref();
}

export interface HttpAsked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface BreakingServer extends AsyncDisposable {
  readonly origin: string;
}

/** What is written for a request, and how it breaks; whole without `breaking`. */
export type Answering = (asked: HttpAsked) => { readonly bytes: Buffer; readonly breaking?: Breaking };

/** An HTTP server on a plain socket: every byte of its answers is the test's. One request after another on a connection. */
export async function startBreaking(answering: Answering): Promise<BreakingServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      for (let asked = takeRequest(received); asked !== undefined; asked = takeRequest(received)) {
        received = received.subarray(asked.length);
        const { bytes, breaking } = answering(asked);
        if (breaking === undefined) socket.write(bytes);
        else writeBroken(socket, bytes, breaking);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function takeRequest(received: Buffer): (HttpAsked & { readonly length: number }) | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = received.toString('latin1', 0, end);
  const length = end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  if (received.length < length) return undefined;
  const [method = '', path = ''] = head.split(' ', 2);
  return { method, path, body: received.toString('utf8', end + 4, length), length };
}

export type Framing = 'length' | 'chunked' | 'events';

export function httpAnswer(framing: Framing, value: unknown): Buffer {
  const text = JSON.stringify(value);
  const body = framing === 'events' ? `id: 1\nevent: message\ndata: ${text}\n\n` : text;
  const type = framing === 'events' ? 'text/event-stream' : 'application/json';
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n`;
  if (framing === 'length') return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  const half = Math.floor(body.length / 2);
  const chunks = [body.slice(0, half), body.slice(half)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`);
  return Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`);
}

/** Every place at which a structure begins or ends, and its neighbours: heads, lines, chunks, strings, brackets. */
export function boundaries(bytes: Buffer): readonly number[] {
  const places = new Set<number>([0, 1, bytes.length - 1]);
  for (const match of bytes.toString('latin1').matchAll(/\r\n|\n|[{}[\]":,]/g))
    for (const place of [match.index, match.index + match[0].length]) places.add(place);
  return [...places].filter((place) => place < bytes.length).toSorted((a, b) => a - b);
}
