/** The upstream where nginx has no echo module: raw sockets, answers built beforehand, the id found in the body. */
import { createServer, type Socket } from 'node:net';
import { type Answer } from './answers.ts';
import { endpoints } from './upstream.ts';

interface Prepared {
  readonly head: Buffer;
  readonly start: Buffer;
  readonly rest: Buffer;
}

function prepare(answer: Answer): Prepared {
  const type = answer.shape === 'sse' ? 'text/event-stream' : 'application/json';
  const length = answer.held === true ? '' : 'Content-Length: ';
  return {
    head: Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${length}`),
    start: Buffer.from(answer.start),
    rest: Buffer.from(answer.before + 'x'.repeat(answer.fill) + answer.after),
  };
}

const prepared = new Map<string, Prepared>();
for (const [endpoint, answers] of endpoints)
  for (const [key, answer] of answers) prepared.set(`/${endpoint}/mcp ${key}`, prepare(answer));

const blank = Buffer.from('\r\n\r\n');
const unknown = Buffer.from('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');

/** Answers the first whole request in `bytes` and returns how many bytes it had; 0 when it is not all there. */
function answerOne(bytes: Buffer, socket: Socket): number {
  const end = bytes.indexOf(blank);
  if (end === -1) return 0;
  const head = bytes.toString('latin1', 0, end);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  const total = end + blank.length + length;
  if (bytes.length < total) return 0;
  const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' ', head.indexOf(' ') + 1));
  const method = /\r\nmcp-method: *([^\r]+)/i.exec(head)?.[1] ?? '';
  const name = method === 'tools/call' ? `:${/\r\nmcp-name: *([^\r]+)/i.exec(head)?.[1] ?? ''}` : '';
  const answer = prepared.get(`${path} ${method}${name}`);
  if (answer === undefined) {
    socket.write(unknown);
    return total;
  }
  const id = /"id":(\d+|"[^"]*")/.exec(bytes.toString('latin1', total - length, total))?.[1] ?? 'null';
  const size = answer.start.length + id.length + answer.rest.length;
  const lengthLine = answer.head.toString('latin1').endsWith(': ') ? `${size}\r\n\r\n` : '\r\n';
  socket.write(Buffer.concat([answer.head, Buffer.from(lengthLine), answer.start, Buffer.from(id), answer.rest]));
  return total;
}

const server = createServer((socket) => {
  let pending = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (let used = answerOne(pending, socket); used > 0; used = answerOne(pending, socket))
      pending = pending.subarray(used);
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  const address = server.address();
  if (address !== null && typeof address === 'object')
    process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${address.port}` })}\n`);
});
