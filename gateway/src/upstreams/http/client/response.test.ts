import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ResponseHeaders, ResponseReader } from './response.ts';

interface Read {
  readonly status: number | undefined;
  readonly headers: ResponseHeaders | undefined;
  readonly body: string;
  readonly isDone: boolean;
  readonly keep: number;
  readonly fault: string | undefined;
}

/** Feeds the pieces one after another, then ends the connection where `ends` says so. */
function read(pieces: readonly Buffer[], ends = false): Read {
  let status: number | undefined;
  let headers: ResponseHeaders | undefined;
  const body: Buffer[] = [];
  const reader = new ResponseReader({
    onHead(code, fields) {
      assert.equal(status, undefined, 'one head');
      status = code;
      headers = fields;
    },
    onData(chunk) {
      assert.ok(chunk.length > 0);
      body.push(chunk);
    },
  });
  let fault: string | undefined;
  for (const piece of pieces) {
    fault = reader.feed(piece);
    if (fault !== undefined) break;
  }
  if (ends) reader.end();
  const { isDone, keep } = reader;
  return { status, headers, body: Buffer.concat(body).toString('latin1'), isDone, keep, fault };
}

const whole = (text: string, ends = false) => read([Buffer.from(text, 'latin1')], ends);

const accepted: readonly (readonly [string, string, { status: number; body: string; keep: number; ends?: true }])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', { status: 200, body: 'hello', keep: 30_000 }],
  ['no reason phrase', 'HTTP/1.1 200\r\ncontent-length:0\r\n\r\n', { status: 200, body: '', keep: 30_000 }],
  [
    'chunks with extensions and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n01\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n',
    { status: 200, body: 'hello!', keep: 30_000 },
  ],
  [
    'chunks without trailers',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n',
    { status: 200, body: '0123456789', keep: 30_000 },
  ],
  ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '', keep: 30_000 }],
  ['no content of some length', 'HTTP/1.1 204 \r\nContent-Length: 9\r\n\r\n', { status: 204, body: '', keep: 0 }],
  [
    'interim responses before the final one',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n',
    { status: 202, body: '', keep: 30_000 },
  ],
  ['a body until the end', 'HTTP/1.1 200 OK\r\n\r\nall of it', { status: 200, body: 'all of it', keep: 0, ends: true }],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', { status: 200, body: 'ok', keep: 0 }],
  [
    'a connection that closes',
    'HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\nContent-Length: 2\r\n\r\nok',
    { status: 200, body: 'ok', keep: 0 },
  ],
  [
    'a hint how long it stays',
    'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\nContent-Length: 2\r\n\r\nok',
    { status: 200, body: 'ok', keep: 4_000 },
  ],
  [
    'a hint that it hardly stays',
    'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok',
    { status: 200, body: 'ok', keep: 0 },
  ],
];

for (const [name, text, { ends, ...expected }] of accepted)
  test(`reads ${name}`, () => {
    const { status, body, keep, isDone, fault } = whole(text, ends);
    assert.deepEqual({ status, body, keep, isDone, fault }, { ...expected, isDone: true, fault: undefined });
  });

test('equal fields are a list, names are in lower case, values are trimmed', () => {
  const { headers } = whole('HTTP/1.1 200 OK\r\nA:  1 \r\nSet-Cookie: x\r\nset-cookie: y\r\nContent-Length: 0\r\n\r\n');
  assert.deepEqual({ ...headers }, { a: '1', 'set-cookie': ['x', 'y'], 'content-length': '0' });
});

const ok = 'HTTP/1.1 200 OK\r\n';
const refused: readonly (readonly [string, string, string])[] = [
  ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', 'malformed head'],
  ['HTTP/2 in the clear', 'HTTP/2.0 200 OK\r\n\r\n', 'malformed head'],
  ['a line before the status line', `\r\n${ok}Content-Length: 0\r\n\r\n`, 'malformed head'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'malformed head'],
  ['line feeds alone', `${ok}A: 1\nContent-Length: 0\r\n\r\n`, 'malformed head'],
  ['a carriage return in a value', `${ok}A: 1\rB: 2\r\n\r\n`, 'malformed head'],
  ['a folded field', `${ok}A: 1\r\n 2\r\n\r\n`, 'malformed head'],
  ['a blank before the colon', `${ok}Content-Length : 0\r\n\r\n`, 'malformed head'],
  ['a field without a name', `${ok}: 0\r\n\r\n`, 'malformed head'],
  ['a zero byte', `${ok}A: \0\r\n\r\n`, 'malformed head'],
  ['a field of the prototype', `${ok}__proto__: 1\r\n\r\n`, 'unacceptable header fields'],
  ['length and chunks at once', `${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`, 'ambiguous length'],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'ambiguous length'],
  ['two lengths', `${ok}Content-Length: 3\r\nContent-Length: 4\r\n\r\n`, 'malformed length'],
  ['a list of lengths', `${ok}Content-Length: 3, 3\r\n\r\n`, 'malformed length'],
  ['a signed length', `${ok}Content-Length: +3\r\n\r\n`, 'malformed length'],
  ['a length in hexadecimal', `${ok}Content-Length: 0x3\r\n\r\n`, 'malformed length'],
  ['an empty length', `${ok}Content-Length:\r\n\r\n`, 'malformed length'],
  ['another coding', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'unknown transfer coding'],
  ['a coding with a control character', `${ok}Transfer-Encoding: \x0bchunked\r\n\r\n`, 'malformed head'],
  ['two codings', `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n`, 'unknown transfer coding'],
  ['a chunk of no size', `${ok}Transfer-Encoding: chunked\r\n\r\n\r\n`, 'malformed chunk'],
  ['a chunk size with a blank behind it', `${ok}Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n`, 'malformed chunk'],
  ['a chunk of a negative size', `${ok}Transfer-Encoding: chunked\r\n\r\n-1\r\n`, 'malformed chunk'],
  ['a chunk larger than its size', `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`, 'chunk without an end'],
  ['a chunk of more than 32 bits', `${ok}Transfer-Encoding: chunked\r\n\r\n100000000\r\n`, 'malformed chunk'],
  ['trailers that are no fields', `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\nx\r\n\r\n`, 'malformed trailers'],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', 'switches protocols unasked'],
  ['bytes behind the end', `${ok}Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n`, 'bytes after the response'],
];

for (const [name, text, problem] of refused)
  test(`refuses ${name}`, () => {
    assert.equal(whole(text).fault, problem);
  });

test('the end of the connection ends no response that has a length', () => {
  for (const text of [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n',
    'HTTP/1.1 200 OK\r\nConte',
  ])
    assert.equal(whole(text, true).isDone, false, text);
});

test('every part has a bound, and what lies at the bound is read', () => {
  const fields = (count: number) => Array.from({ length: count }, (_, index) => `F${index}: v\r\n`).join('');
  const padded = (length: number) => {
    const rest = `${ok}Content-Length: 0\r\nPad: `;
    return `${rest}${'x'.repeat(length - rest.length)}\r\n\r\n`;
  };
  const interim = 'HTTP/1.1 102 Processing\r\n\r\n';
  const chunked = (line: string) => `${ok}Transfer-Encoding: chunked\r\n\r\n1;${line}\r\na\r\n0\r\n\r\n`;
  for (const [text, fault] of [
    [padded(32_768), undefined],
    [padded(32_769), 'head too large'],
    [`${ok}${'x'.repeat(40_000)}`, 'head too large'],
    [`${ok}${fields(255)}Content-Length: 0\r\n\r\n`, undefined],
    [`${ok}${fields(256)}Content-Length: 0\r\n\r\n`, 'unacceptable header fields'],
    [`${interim.repeat(8)}${ok}Content-Length: 0\r\n\r\n`, undefined],
    [`${interim.repeat(9)}${ok}Content-Length: 0\r\n\r\n`, 'too many interim responses'],
    [chunked('x'.repeat(510)), undefined],
    [chunked('x'.repeat(511)), 'chunk line too long'],
    [`${ok}Transfer-Encoding: chunked\r\n\r\n${'1'.repeat(600)}`, 'chunk line too long'],
    [`${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n${'x'.repeat(40_000)}`, 'trailers too large'],
  ] as const)
    assert.equal(whole(text).fault, fault, text.slice(0, 60));
});

test('however the bytes are cut, the same is read', () => {
  const texts = [...accepted.map(([, text]) => text), ...refused.map(([, text]) => text)];
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.array(fc.nat(200), { maxLength: 12 }), (text, cuts) => {
      const bytes = Buffer.from(text, 'latin1');
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
      const pieces = places
        .slice(1)
        .map((end, index) => bytes.subarray(places[index], end))
        .filter((piece) => piece.length > 0);
      const { body: _, ...atOnce } = whole(text, true);
      const { body: __, ...inPieces } = read(pieces, true);
      assert.deepEqual(inPieces, atOnce);
    }),
    { numRuns: 2_000 },
  );
});

test('bytes of any kind never throw, and never end a response twice', () => {
  const grain = fc.oneof(
    fc.constantFrom('HTTP/1.1 ', '200', ' OK', '\r\n', '\r\n\r\n', 'Content-Length: ', '0', '5', 'Transfer-Encoding: '),
    fc.constantFrom('chunked', 'a', ':', ' ', '\n', '\0', 'ffffffff', ';', 'Connection: close'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(fc.array(grain, { maxLength: 8 }), { maxLength: 6 }), (pieces) => {
      const result = read(
        pieces.map((piece) => Buffer.from(piece.join(''), 'latin1')).filter((piece) => piece.length > 0),
        true,
      );
      if (result.isDone) assert.notEqual(result.status, undefined);
    }),
    { numRuns: 5_000 },
  );
});
