/** A server that refuses the handshake chooses the words that the operator reads about it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { modernCall, modernHeaders, sendRaw } from './raw.ts';
import { sendJson } from './witness.ts';

const token = 't0ken-that-must-stay-secret';

/** Refuses whatever it is asked, with everything that it was sent, in this place of a long message. */
async function startRefusing(before: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { id } = JSON.parse(body) as { id: number };
      const { authorization = String(request.headers['x-tenant']) } = request.headers;
      const message = `${before}${authorization}${'!'.repeat(100_000)}`;
      sendJson(response, { jsonrpc: '2.0', id, error: { code: -32_603, message } });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const secrets = {
  'a credential': { credential: { bearer: '${env:TOKEN}' } },
  'a secret in a fixed header': { headers: { 'X-Tenant': 'Bearer ${env:TOKEN}' } },
};
const places = {
  'at the beginning': '\u001b[2J\r\nforged line\u2028\u202e ',
  // What is cut must have been searched as a whole.
  'over the place where it is cut': 'x'.repeat(245),
};
const cases = (['legacy', 'modern'] as const).flatMap((era) =>
  Object.entries(secrets).flatMap(([what, sends]) =>
    Object.entries(places).map(([where, before], at) => ({
      name: `${era}-${what.replaceAll(' ', '-')}-${at}`,
      what: `${era}: ${what} ${where}`,
      before,
      entry: { era, ...sends },
    })),
  ),
);

let gateway: Gateway;
const resources = new AsyncDisposableStack();

before(async () => {
  const servers: Record<string, object> = {};
  for (const { name, before: text, entry } of cases)
    servers[name] = { url: resources.use(await startRefusing(text)).url, ...entry };
  gateway = resources.use(await startGateway(openSettings('client', servers), { env: { TOKEN: token } }));
});
after(() => resources.disposeAsync());

for (const { name, what, before: text } of cases)
  test(`${what} of a refused handshake is not in the log`, async () => {
    const answer = await sendRaw({
      url: gateway.endpoint(name),
      headers: modernHeaders('tools/call', 'open'),
      body: modernCall('open'),
    });
    const linesOf = (): readonly string[] =>
      gateway
        .errors()
        .split('\n')
        .filter((line) => line.includes('"server not connected"') && line.includes(`"server":"${name}"`));
    await gateway.until(() => linesOf().length > 0);
    const { problem = '' } = JSON.parse(linesOf()[0] ?? '{}') as { readonly problem?: string };
    assert.match(problem, /refused the handshake with -32603: /);
    assert.match(problem, text.startsWith('x') ? /x{200}/ : /forged line {3}Bearer \(hidden\)!/);
    assert.ok(problem.length <= 300, problem);
    assert.doesNotMatch(problem, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    // Beginnings of it are as bad.
    for (const said of [gateway.errors(), answer.body]) assert.ok(!said.includes(token.slice(0, 6)), said);
  });
