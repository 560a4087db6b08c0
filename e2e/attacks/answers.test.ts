/** Attacks from the server's side: what a lying, broken or curious server sends, and what the client gets of it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { meta, modernCall, modernHeaders, type RawAnswer, sendRaw } from './raw.ts';
import { type Answering, sendEvents, sendJson, startWitness, type Witness } from './witness.ts';

let witness: Witness;
let gateway: Gateway;

before(async () => {
  witness = await startWitness([{ name: 'tool', inputSchema: { type: 'object' } }], {
    instructions: 'I was given planted-credential-5f2c.',
    serverInfo: { name: 'witness', version: 'planted-credential-5f2c' },
  });
  gateway = await startGateway(
    {
      ...openSettings('client', { witness: { url: witness.url, credential: { bearer: '${env:WITNESS_TOKEN}' } } }),
      bounds: { result: '64KiB', firstByte: '1s', total: '3s', rounds: 3 },
    },
    { env: { WITNESS_TOKEN: 'planted-credential-5f2c' } },
  );
});
after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

async function call(answering: Answering, extraMeta: object = {}): Promise<RawAnswer> {
  witness.answer('tool', answering);
  const body = JSON.parse(modernCall('tool')) as { params: { _meta: object } };
  body.params._meta = { ...meta, ...extraMeta };
  const answer = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: modernHeaders('tools/call', 'tool'),
    body: JSON.stringify(body),
  });
  assert.doesNotMatch(answer.body, /planted-credential/);
  return answer;
}

function failed(answer: RawAnswer, words: RegExp): void {
  assert.equal(answer.json?.result?.isError, true, answer.body);
  assert.match(answer.body, words);
}

const text = (value: string) => ({ resultType: 'complete', content: [{ type: 'text', text: value }] });
const answerOf = (id: unknown, result: object) => JSON.stringify({ jsonrpc: '2.0', id, result });
const cannot = /cannot be forwarded/;

test('unknown resultType', async () => {
  failed(
    await call((response, { message }) =>
      sendJson(response, { jsonrpc: '2.0', id: message.id, result: { ...text('x'), resultType: 'task' } }),
    ),
    cannot,
  );
});
test('resultType absent from a modern server counts as complete', async () => {
  const answer = await call((response, { message }) =>
    sendJson(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } }),
  );
  assert.equal(answer.json?.result?.resultType, 'complete');
});
test('a result for another id', async () => {
  failed(await call((response) => sendJson(response, { jsonrpc: '2.0', id: 999_999, result: text('stolen') })), cannot);
});
test('a result for another id beside the right one', async () => {
  const answer = await call((response, { message }) =>
    sendEvents(
      response,
      `data: ${answerOf(999_999, text('wrong'))}\n\ndata: ${answerOf(message.id, text('right'))}\n\n`,
    ),
  );
  assert.match(answer.body, /right/);
  assert.doesNotMatch(answer.body, /wrong/);
});
test('a response twice: the first counts', async () => {
  const answer = await call((response, { message }) =>
    sendEvents(
      response,
      `data: ${answerOf(message.id, text('first'))}\n\ndata: ${answerOf(message.id, text('second'))}\n\n`,
    ),
  );
  assert.match(answer.body, /first/);
  assert.doesNotMatch(answer.body, /second/);
});
test('progress with a forged token, and progress without a request for it', async () => {
  const progress = (token: unknown) =>
    `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: token, progress: 1 } })}\n\n`;
  const answering: Answering = (response, { message }) =>
    sendEvents(response, `${progress('forged')}${progress(message.id)}data: ${answerOf(message.id, text('done'))}\n\n`);
  assert.doesNotMatch((await call(answering)).body, /notifications\/progress/);
  const asked = await call(answering, { progressToken: 'mine' });
  assert.equal(asked.body.split('notifications/progress').length - 1, 1);
  assert.match(asked.body, /"progressToken":"mine"/);
});
test('a notification with a forged subscription, and one that does not exist', async () => {
  const notification = (method: string, params: object) =>
    `data: ${JSON.stringify({ jsonrpc: '2.0', method, params })}\n\n`;
  const answer = await call((response, { message }) =>
    sendEvents(
      response,
      notification('notifications/resources/updated', {
        uri: 'x://y',
        _meta: { 'io.modelcontextprotocol/subscriptionId': 7 },
      }) +
        notification('notifications/invented', { payload: 'smuggled' }) +
        `data: ${answerOf(message.id, text('done'))}\n\n`,
    ),
  );
  assert.doesNotMatch(answer.body, /subscriptionId|invented|smuggled/);
});
test('reserved keys in the _meta of a result', async () => {
  const answer = await call((response, { message }) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id: message.id,
      result: { ...text('x'), _meta: { 'io.modelcontextprotocol/subscriptionId': 1, 'com.example/kept': 2 } },
    }),
  );
  assert.doesNotMatch(answer.body, /subscriptionId/);
  assert.match(answer.body, /com\.example\/kept/);
});
test('progress and log messages with the credential of the gateway in them, in values and in names', async () => {
  const notification = (method: string, params: object) =>
    `data: ${JSON.stringify({ jsonrpc: '2.0', method, params })}\n\n`;
  const echo = 'I was given planted-credential-5f2c';
  const answer = await call(
    (response, { message }) =>
      sendEvents(
        response,
        notification('notifications/progress', { progressToken: message.id, progress: 1, message: echo }) +
          notification('notifications/message', { level: 'info', logger: echo, data: { [echo]: [echo] } }) +
          `data: ${answerOf(message.id, text('done'))}\n\n`,
      ),
    { progressToken: 'mine', 'io.modelcontextprotocol/logLevel': 'debug' },
  );
  assert.equal(answer.body.split('I was given (hidden)').length - 1, 4, answer.body);
});
test('log messages without a level asked for stay here', async () => {
  const answering: Answering = (response, { message }) =>
    sendEvents(
      response,
      `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'chatter' } })}\n\ndata: ${answerOf(message.id, text('x'))}\n\n`,
    );
  assert.doesNotMatch((await call(answering)).body, /chatter/);
  assert.match((await call(answering, { 'io.modelcontextprotocol/logLevel': 'debug' })).body, /chatter/);
  assert.doesNotMatch((await call(answering, { 'io.modelcontextprotocol/logLevel': 'error' })).body, /chatter/);
});
test('a question that the client has not offered to answer', async () => {
  const answering: Answering = (response, { message }) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id: message.id,
      result: { resultType: 'input_required', inputRequests: { a: { method: 'sampling/createMessage', params: {} } } },
    });
  failed(await call(answering), cannot);
});
test('SSE events: several data lines, comments, other line ends, unknown event types', async () => {
  const answer = await call((response, { message }) => {
    const json = answerOf(message.id, text('pieced together'));
    const cut = json.indexOf('"result"');
    sendEvents(
      response,
      `: comment\r\nretry: 10\revent: message\rdata: ${json.slice(0, cut)}\ndata: ${json.slice(cut)}\r\n\r\n`,
    );
  });
  assert.match(answer.body, /pieced together/);
});
test('an event that is no JSON', async () => {
  failed(await call((response) => sendEvents(response, 'data: {"jsonrpc":\n\n')), cannot);
});
test('duplicate keys in an answer', async () => {
  failed(
    await call((response, { message }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        `{"jsonrpc":"2.0","id":${message.id},"result":{"resultType":"complete","content":[]},"result":{"content":[]}}`,
      );
    }),
    cannot,
  );
});
test('Application/JSON and status 201 are looked at like any answer', async () => {
  const answer = await call((response, { message }) =>
    sendJson(
      response,
      {
        jsonrpc: '2.0',
        id: message.id,
        result: { ...text('x'), _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } },
      },
      201,
      'Application/JSON; charset=utf-8',
    ),
  );
  assert.match(answer.body, /"text":"x"/);
  assert.doesNotMatch(answer.body, /subscriptionId/);
});
test('an answer that is not JSON, and one that is HTML with status 500', async () => {
  failed(
    await call((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<b>secret stack trace</b>')),
    cannot,
  );
  const broken = await call((response) =>
    response.writeHead(500, { 'content-type': 'text/html' }).end('at secret (/srv/app.js:1)'),
  );
  failed(broken, /may have been made/);
  assert.doesNotMatch(broken.body, /secret|srv/);
});
test("a refusal of the server with 401 or 403 is not the client's: no challenge comes through", async () => {
  for (const status of [401, 403]) {
    const answer = await call((response) =>
      response.writeHead(status, { 'www-authenticate': 'Bearer resource_metadata="https://evil.example"' }).end(),
    );
    failed(answer, /cannot be reached/);
    assert.equal(answer.headers.get('www-authenticate'), undefined);
  }
});
test('a redirect is not followed', async () => {
  failed(
    await call((response) => response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data' }).end()),
    /cannot be reached/,
  );
});
test('a result that is too large becomes a clear tool error, in JSON and in events', async () => {
  const large = text('x'.repeat(70_000));
  failed(
    await call((response, { message }) => sendJson(response, { jsonrpc: '2.0', id: message.id, result: large })),
    /larger than 65536 bytes/,
  );
  failed(
    await call((response, { message }) => sendEvents(response, `data: ${answerOf(message.id, large)}\n\n`)),
    /larger than 65536 bytes/,
  );
});
test('an answer that is nested too deeply', async () => {
  const deep = `${'['.repeat(100)}${']'.repeat(100)}`;
  failed(
    await call((response, { message }) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`{"jsonrpc":"2.0","id":${message.id},"result":{"content":[],"deep":${deep}}}`);
    }),
    cannot,
  );
});
test('silence: the time to the first byte ends the call', async () => {
  failed(await call(() => {}), /did not answer in time/);
});
test('an endless answer: the total time ends the call although bytes keep coming', async () => {
  let timer: NodeJS.Timeout | undefined;
  const answer = await call(
    (response, { message }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      timer = setInterval(
        () =>
          response.write(
            `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: message.id, progress: 1 } })}\n\n`,
          ),
        100,
      );
      response.on('close', () => clearInterval(timer));
    },
    { progressToken: 1 },
  );
  clearInterval(timer);
  failed(answer, /did not answer in time/);
});
test('the connection breaks in the middle of an answer', async () => {
  failed(
    await call((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"jsonrpc":');
      response.destroy();
    }),
    /may have been made/,
  );
});
test('error text of a server is its own; codes of our transport do not come through', async () => {
  const answer = await call((response, { message }) =>
    sendJson(response, { jsonrpc: '2.0', id: message.id, error: { code: -32_020, message: 'Mcp-Name mismatch' } }, 400),
  );
  assert.notEqual(answer.json?.error?.code, -32_020);
});
test('lone halves of surrogate pairs in an answer come through as they are', async () => {
  const answer = await call((response, { message }) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      `{"jsonrpc":"2.0","id":${message.id},"result":{"resultType":"complete","content":[{"type":"text","text":"cut \\ud83d"}]}}`,
    );
  });
  assert.match(answer.body, /cut \\ud83d/);
});
test('a server that introduces itself with the credential of the gateway', async () => {
  const answer = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: modernHeaders('server/discover'),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'server/discover', params: { _meta: meta } }),
  });
  assert.match(answer.body, /I was given \(hidden\)/);
  assert.doesNotMatch(answer.body, /planted-credential/);
});
