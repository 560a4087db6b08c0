/** A question that waits for a modern client is gone once its call is over, however the call ends, and the call ends for all. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { meta, modernHeaders, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { type HeldCall, PushingServer } from './pushing.ts';

let server: PushingServer;
let gateway: Gateway;

before(async () => {
  server = await new PushingServer().listen();
  gateway = await startGateway({
    ...openSettings('client', { pushing: { url: server.url } }),
    bounds: { result: '64KiB', parked: '10m' },
  });
});
after(async () => {
  await gateway.stop();
  await server[Symbol.asyncDispose]();
});

const headers = modernHeaders('tools/call', 'hold');
const _meta = { ...meta, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
const accepted = { action: 'accept', content: { name: 'Ada' } };

const bodyOf = (more: object): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'hold', arguments: {}, ...more, _meta },
  });

const send = (more: object = {}): Promise<RawAnswer> =>
  sendRaw({ url: gateway.endpoint('pushing'), headers, body: bodyOf(more), within: 30_000 });

interface Parked {
  readonly held: HeldCall;
  readonly requestState: string;
  readonly inputResponses: object;
}

let asked = 0;

function question(held: HeldCall): string {
  const id = `question-${++asked}`;
  const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } };
  held.send({ jsonrpc: '2.0', id, method: 'elicitation/create', params: { message: 'who?', requestedSchema } });
  return id;
}

/** A call that the server has asked about, and whose question waits for its client. */
async function park(): Promise<Parked> {
  const known = server.held.length;
  const calling = send();
  await server.until(() => server.held.length > known);
  const held = server.held.at(-1);
  assert.ok(held !== undefined);
  question(held);
  return { held, ...parkedIn(await calling) };
}

function parkedIn({ json, body }: RawAnswer): Omit<Parked, 'held'> {
  const { resultType, requestState, inputRequests } = json?.result ?? {};
  assert.equal(resultType, 'input_required', body);
  assert.ok(typeof requestState === 'string');
  return {
    requestState,
    inputResponses: Object.fromEntries(Object.keys(inputRequests as object).map((key) => [key, accepted])),
  };
}

/** Waits until a table of the gateway has this many entries. */
async function table(name: string, entries: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const text = await (await fetch(`${gateway.admin}/metrics`)).text();
    const found = new RegExp(`sallyport_table_entries\\{table="${name}"\\} (\\d+)`).exec(text)?.[1];
    if (Number(found) === entries) return;
    assert.ok(Date.now() < deadline, `${name}: ${found} entries and not ${entries}`);
    await pause(10);
  }
}

/** The call is over for the gateway, the server and the client: its state opens nothing any more. */
async function isOver({ requestState, inputResponses }: Omit<Parked, 'held'>): Promise<void> {
  await table('parked_input_requests', 0);
  await table('calls', 0);
  const again = await send({ requestState, inputResponses });
  assert.match(again.body, /"error"/);
  assert.doesNotMatch(again.body, /input_required/);
  await table('calls', 0);
}

/** Answers the question, and has the server do something once it has the answer. */
async function answered({ held, ...resuming }: Parked, then: (held: HeldCall) => void): Promise<RawAnswer> {
  const id = `question-${asked}`;
  const answering = send(resuming);
  await server.until(() => server.received.some((message) => message.id === id && message.method === undefined));
  then(held);
  return await answering;
}

test('W10: an answer that cannot be delivered ends the call that was asked about', async () => {
  const parked = await park();
  await table('parked_input_requests', 1);
  const { body } = await answered(parked, (held) => held.answer('x'.repeat(200_000)));
  assert.doesNotMatch(body, /xxxx/);
  assert.match(body, /"isError":true|"error"/);
  await isOver(parked);
});

test('W10: a server that breaks the call off after the answer, or while it waits for it, ends it', async () => {
  const after = await park();
  const { body } = await answered(after, (held) => held.cut());
  assert.match(body, /"isError":true|"error"/);
  await isOver(after);

  const meanwhile = await park();
  meanwhile.held.cut();
  await server.until(() => meanwhile.held.closed());
  const { requestState, inputResponses } = meanwhile;
  const late = await send({ requestState, inputResponses });
  assert.match(late.body, /"isError":true|"error"/);
  await isOver(meanwhile);
});

test('W10: a second question takes the place of the first one, and a client that goes away ends the call', async () => {
  const first = await park();
  const again = parkedIn(await answered(first, (held) => void question(held)));
  await table('parked_input_requests', 1);
  const replay = await send({ requestState: first.requestState, inputResponses: first.inputResponses });
  assert.match(replay.body, /"error"/);
  await table('parked_input_requests', 1);
  const id = `question-${asked}`;
  const leaving = request(gateway.endpoint('pushing'), {
    method: 'POST',
    agent: false,
    headers: Object.fromEntries(headers),
  });
  // It is the client that breaks the connection.
  leaving.on('error', () => {});
  leaving.end(bodyOf(again));
  await server.until(() => server.received.some((message) => message.id === id && message.method === undefined));
  leaving.destroy();
  await server.until(() => server.calls('notifications/cancelled').length > 0 || first.held.closed());
  await isOver(again);
});
