/** Accounts of users at servers, with a real authorization server: connected in a browser, renewed, forgotten. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt } from 'jose';
import { type Protected, startProtected } from './attacks/protected.ts';
import { modernHeaders, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { startAuthorizationServer } from './authorization-server.ts';
import { Browser } from './browser.ts';
import { type Gateway, startGateway } from './harness.ts';
import { runToEnd } from './process.ts';

const program = 'gateway/bin/sallyport.js';

async function gatewayFor(server: Protected, issuer: string, credential: object = {}, rest: object = {}) {
  return startGateway({
    callers: { users: { dana: {}, eve: {} }, agents: { bot: {} } },
    egress: { allow: [issuer] },
    servers: { notes: { url: server.url, credential: { authorizationCode: credential } } },
    connections: [{ name: 'all', from: { anyone: true }, to: 'notes', tools: [{ allow: '*' }] }],
    ...rest,
  });
}

async function keyOf(gateway: Gateway, user: string): Promise<string> {
  const made = await runToEnd({
    command: [process.execPath, program, 'key', 'create', '--user', user, '--quiet', '--config', gateway.config],
  });
  assert.equal(made.code, 0, made.stderr);
  return made.stdout.trim();
}

function call(gateway: Gateway, key: string, tool = 'open', extra: object = {}, elicitation?: object) {
  const capabilities = elicitation === undefined ? {} : { elicitation };
  return sendRaw({
    url: gateway.endpoint('notes'),
    headers: [...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${key}`]],
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 7,
      method: 'tools/call',
      params: {
        name: tool,
        arguments: {},
        ...extra,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': capabilities,
        },
      },
    }),
  });
}

/** The page that a call was answered with. */
export function pageIn(answer: RawAnswer): string {
  const [found] = /http[^" ]+\/connect\/[A-Za-z0-9_-]{43}/.exec(answer.body) ?? [];
  assert.ok(found !== undefined, answer.body);
  return found;
}

test('a user connects an account in the browser, the call goes through, and the token is for this server', async () => {
  await using as = await startAuthorizationServer();
  await using server = await startProtected([{ name: 'open' }], [as.issuer]);
  await using gateway = await gatewayFor(server, as.issuer);
  const key = await keyOf(gateway, 'dana');
  const asked = await call(gateway, key, 'open', {}, { url: {} });
  assert.equal(asked.json?.result?.['resultType'], 'input_required', asked.body + gateway.errors());
  const page = pageIn(asked);
  assert.equal(pageIn(await call(gateway, key, 'open', {}, { url: {} })), page, 'one page, however often it is asked');
  const done = await new Browser().connect(page, key);
  assert.match(done.body, /is connected/, done.body + gateway.errors());
  const retry = { inputResponses: { 'sallyport-connect': { action: 'accept' } } };
  const answer = await call(gateway, key, 'open', retry, { url: {} });
  assert.match(answer.body, /the witness was called/, answer.body + gateway.errors());
  const [seen] = server.calls();
  assert.doesNotMatch(seen?.body ?? '', /inputResponses/, 'what we asked is none of the business of the server');
  const token = (seen?.headers.authorization ?? '').replace('Bearer ', '');
  assert.equal(decodeJwt(token).aud, server.url);
  assert.deepEqual(as.grants, ['authorization_code']);
  const other = await call(gateway, await keyOf(gateway, 'eve'));
  assert.match(other.body, /connect your account/, 'the account of one user is not that of another');
});
