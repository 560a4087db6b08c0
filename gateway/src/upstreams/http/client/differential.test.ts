import assert from 'node:assert/strict';
import http from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { ResponseReader } from './response.ts';

interface Framed {
  readonly status: number;
  readonly body: string;
}

function ours(bytes: Buffer): Framed | undefined {
  let status: number | undefined;
  const body: Buffer[] = [];
  const reader = new ResponseReader({
    onHead: (code) => {
      status = code;
    },
    onData: (chunk) => body.push(chunk),
  });
  reader.feed(bytes);
  reader.end();
  return reader.isDone && status !== undefined ? { status, body: Buffer.concat(body).toString('latin1') } : undefined;
}

/** What Node's own client makes of the same bytes; `undefined` when it refuses them. */
function theirs(bytes: Buffer): Promise<Framed | undefined> {
  return new Promise((resolve) => {
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    const request = http.request({ method: 'POST', createConnection: () => socket, headers: { host: 'x' } });
    request.on('response', (response) => {
      const body: Buffer[] = [];
      response.on('data', (chunk: Buffer) => body.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(body).toString('latin1') }),
      );
      response.on('error', () => resolve(undefined));
    });
    request.on('error', () => resolve(undefined));
    request.end('x');
    setImmediate(() => {
      socket.push(bytes);
      socket.push(null);
    });
  });
}

const field = fc.oneof(
  fc.constantFrom('Content-Length: 3', 'Content-Length: 5', 'content-length:0', 'Content-Length:\t3', 'X:', 'X:\ty\t'),
  fc.constantFrom('Transfer-Encoding: chunked', 'Transfer-Encoding: Chunked ', 'transfer-encoding: identity'),
  fc.constantFrom('Connection: close', 'Connection: keep-alive', 'Content-Length: 03', 'Content-Length: 3,3', ' X: y'),
  fc.string({ maxLength: 6 }).map((text) => `A: ${text}`),
);
const piece = fc.constantFrom(
  '3\r\nabc\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  '3;x=y\r\nabc\r\n',
  '03\r\nabc\r\n',
  '0\r\nT: v\r\n\r\n',
  '\r\n',
  '3 \r\nabc\r\n',
  'abc',
  'hello',
  '3\nabc\r\n',
  '3;x="\n"\r\nabc\r\n',
  '3\r\nabc',
  '00\r\n\r\n',
);
const first = fc.constantFrom(
  'HTTP/1.1 200 OK',
  'HTTP/1.1 204 No',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 304 x',
  'HTTP/1.1 500 ',
  'HTTP/1.1 200',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK',
);

test('a response is never framed in another way than by the parser of Node', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(
      first,
      fc.array(field, { maxLength: 4 }),
      fc.array(piece, { maxLength: 4 }),
      async (line, fields, pieces) => {
        const bytes = Buffer.from(`${[line, ...fields].join('\r\n')}\r\n\r\n${pieces.join('')}`, 'latin1');
        const mine = ours(bytes);
        const node = await theirs(bytes);
        // Either may refuse what the other accepts: then nothing, or the connection with it, is used.
        if (mine === undefined || node === undefined) return;
        compared++;
        assert.deepEqual(mine, node);
      },
    ),
    { numRuns: 2_000 },
  );
  assert.ok(compared > 200, `only ${compared} were accepted by both`);
});
