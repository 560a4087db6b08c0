/** Clients over plain sockets against the HTTP listener: heads, bodies, sessions, streams, batches, pipelines. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { legacyHeaders, modernCall, modernHeaders, sendRaw } from '../../attacks/raw.ts';
import { type Gateway, startGateway } from '../../harness.ts';
import { mutatedMessage } from '../checks/json.ts';
import { decidedSettings, startDecidedWitness, undecided } from '../decided.ts';
import { mutateBytes, mutateText } from '../mutate.ts';
import type { Random } from '../random.ts';
import { corpusLines, type Target } from '../target.ts';
import { inParallel, startWatch } from '../watch.ts';

const messages = corpusLines('messages.jsonl');
const paths = ['/servers/witness/mcp', '/mcp', '/servers/other/mcp', '/', '/.well-known/oauth-protected-resource'];
const maxWaitMs = 400;

/** `@HOST@`, `@KEY@` and `@SESSION@` stand for what differs at each start. */
function headOf(body: string, random: Random): readonly string[] {
  const method = /"method":"([^"\\]{0,60})"/.exec(body)?.[1] ?? 'ping';
  const name = /"(?:name|uri)":"([^"\\]{0,60})"/.exec(body)?.[1];
  const printable = (text: string): string => text.replace(/[^\x21-\x7e]/g, '');
  const modern = body.includes('protocolVersion":"2026') === random.chance(0.95);
  const fields = modern ? modernHeaders(printable(method), name && printable(name)) : legacyHeaders;
  return [
    `${random.pick(['POST', 'POST', 'POST', 'POST', 'GET', 'DELETE', 'OPTIONS', 'PUT'])} ${random.chance(0.9) ? paths[0] : random.pick(paths)} HTTP/1.1`,
    'Host: @HOST@',
    ...fields.map(([key, value]) => `${key}: ${value}`),
    ...(random.chance(0.95) ? ['Authorization: Bearer @KEY@'] : []),
    ...(modern || random.chance(0.2) ? [] : ['Mcp-Session-Id: @SESSION@', 'MCP-Protocol-Version: 2025-11-25']),
    ...(random.chance(0.05) ? ['Last-Event-ID: 1', 'Expect: 100-continue'] : []),
  ];
}

function request(random: Random): Buffer {
  const body = random.chance(0.2) ? random.pick(messages) : mutatedMessage(random);
  const bytes = Buffer.from(body);
  const chunked = `${bytes.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const inChunks = random.chance(0.1);
  const framing = inChunks ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`;
  const head = [...headOf(body, random), framing].join('\r\n');
  const changed = random.chance(0.2) ? mutateText(head, random) : head;
  const whole = Buffer.concat([Buffer.from(`${changed}\r\n\r\n`), inChunks ? Buffer.from(chunked) : bytes]);
  return random.chance(0.1) ? mutateBytes(whole, random) : whole;
}

function make(random: Random): Buffer {
  const count = random.chance(0.8) ? 1 : 2 + random.below(3);
  return Buffer.concat(Array.from({ length: count }, () => request(random)));
}

/** Sends the bytes, half-closes or not as they choose themselves, and reads what comes for a moment. */
async function exchange(url: URL, bytes: Buffer): Promise<string> {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  let heard = '';
  socket.on('data', (chunk: Buffer) => {
    if (heard.length < 100_000) heard += chunk.toString('latin1');
    // An answer is enough; streams go on for ever.
    if (heard.includes('\r\n\r\n')) setTimeout(() => socket.destroy(), 20);
  });
  socket.on('error', () => socket.destroy());
  const timer = setTimeout(() => socket.destroy(), maxWaitMs);
  if (bytes.length % 4 === 0) socket.write(bytes);
  else socket.end(bytes);
  await once(socket, 'close');
  clearTimeout(timer);
  return heard;
}

async function openSession(gateway: Gateway, key: string): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } };
  const { headers } = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: [...legacyHeaders, ['Authorization', `Bearer ${key}`]],
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
  });
  return headers.get('mcp-session-id') ?? '';
}

export const httpClients: Target = {
  name: 'clients over HTTP',
  weight: 3,
  batch: 100,
  make,
  async open() {
    const stack = new AsyncDisposableStack();
    const witness = stack.use(await startDecidedWitness());
    const gateway = stack.use(await startGateway(decidedSettings(witness.url)));
    const watch = stack.use(await startWatch(gateway));
    const key = gateway.key('fuzzer');
    const url = new URL(gateway.endpoint('witness'));
    const give = async (inputs: readonly Buffer[]): Promise<string | undefined> => {
      const session = await openSession(gateway, key);
      let failed: string | undefined;
      await inParallel(inputs, 24, async (input) => {
        const bytes = Buffer.from(
          input
            .toString('latin1')
            .replaceAll('@HOST@', url.host)
            .replaceAll('@KEY@', key)
            .replaceAll('@SESSION@', session),
          'latin1',
        );
        const heard = await exchange(url, bytes);
        if (/^HTTP\/1\.1 500 /m.test(heard)) failed ??= `answered with 500: ${heard.slice(0, 500)}`;
      });
      const headers = [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`] as const];
      const good = await sendRaw({ url: url.href, headers, body: modernCall('open', { n: 1 }) });
      if (good.status !== 200) failed ??= `a good call is answered with ${good.status} ${good.body.slice(0, 500)}`;
      return failed ?? undecided(witness);
    };
    return {
      attempt: (inputs) => watch.during(() => give(inputs)),
      worstMs: watch.worstMs,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  },
};
