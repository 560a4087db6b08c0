/** What a server asks of a legacy client during a call: the question, the answer, and the call that they belong to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { legacyHeaders, sendRaw } from '../attacks/raw.ts';
import { type Gateway, openSettings, startFixture, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { filesWith } from './world.ts';

interface Found {
  readonly seq: number;
  readonly id?: string;
  readonly kind: string;
  readonly server?: string;
  readonly connections?: readonly string[];
  readonly session?: string;
  readonly revision?: string;
  readonly tier?: string;
  readonly capture?: string;
  readonly method?: string;
  readonly direction?: string;
  readonly outcome?: string;
  readonly code?: number;
  readonly latency?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly decision?: object;
  readonly arguments?: { readonly bytes: number };
  readonly result?: { readonly bytes: number };
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly plaintext?: {
    readonly about?: { readonly agent?: string; readonly error?: string };
    readonly arguments?: string;
    readonly result?: string;
  };
}

async function audit(gateway: Gateway, ...args: readonly string[]): Promise<Found[]> {
  const { code, stdout, stderr } = await runCommandHere('audit', ...args, '--json', '--config', gateway.config);
  assert.equal(code, 0, stderr + stdout);
  return (JSON.parse(stdout) as { records: Found[] }).records;
}

function start(url: string, capture: 'full' | 'digest'): Promise<Gateway> {
  const settings = openSettings('client', { everything: { url } });
  // The connection has the last word, as for the arguments and the result of the call.
  return startGateway({
    ...settings,
    audit: {
      capture: { write: capture === 'full' ? 'digest' : 'full', connections: { 'everything for tests': capture } },
    },
  });
}

async function post(gateway: Gateway, session: string, message: object): Promise<[ClientRequest, IncomingMessage]> {
  const sent = request(gateway.endpoint('everything'), {
    method: 'POST',
    headers: { ...Object.fromEntries(legacyHeaders), 'mcp-session-id': session },
  });
  sent.end(JSON.stringify({ jsonrpc: '2.0', ...message }));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return [sent, response.setEncoding('utf8')];
}

/** Calls a tool that asks, and reads until its question is there. */
async function asked(gateway: Gateway) {
  const capabilities = { elicitation: {} };
  const clientInfo = { name: 'test', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo };
  const begun = await sendRaw({
    url: gateway.endpoint('everything'),
    headers: legacyHeaders,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  });
  const session = begun.headers.get('mcp-session-id') ?? '';
  const call = { name: 'test_elicitation', arguments: { message: 'Who are you, 4711?' } };
  const [sent, response] = await post(gateway, session, { id: 2, method: 'tools/call', params: call });
  let text = '';
  let question: { readonly id: string } | undefined;
  while (question === undefined) {
    const [chunk] = (await once(response, 'data')) as [string];
    text += chunk;
    const line = text.split('\n').find((each) => each.includes('elicitation/create') && each.endsWith('}'));
    if (line !== undefined) question = JSON.parse(line.slice('data: '.length)) as { readonly id: string };
  }
  return { session, sent, response, question };
}

test('question and answer are captured like the call, and found with it', async () => {
  await using fixture = await startFixture('legacy');
  for (const capture of ['full', 'digest'] as const) {
    await using gateway = await start(fixture.url, capture);
    const { session, response, question } = await asked(gateway);
    const result = { action: 'accept', content: { username: 'ada', email: 'ada-4712@example.org' } };
    await post(gateway, session, { id: question.id, result });
    await response.toArray();

    const [call] = await audit(gateway, 'search', '--method', 'tools/call');
    const [record, ...others] = await audit(gateway, 'search', '--kind', 'client-request');
    assert.ok(record !== undefined && call !== undefined);
    assert.deepEqual(others, []);
    assert.deepEqual(
      (await audit(gateway, 'show', call.id ?? '')).map(({ kind }) => kind),
      ['intent', 'client-request', 'outcome'],
    );
    assert.equal((await audit(gateway, 'search', '--id', call.id ?? '')).length, 2);
    const { id, server, connections, session: digest, revision, tier } = call;
    assert.ok(digest !== undefined && revision !== undefined);
    assert.deepEqual(
      [record.id, record.server, record.connections, record.session, record.revision, record.tier],
      [id, server, connections, digest, revision, tier],
    );
    assert.deepEqual([record.capture, call.capture], [capture, capture]);
    assert.deepEqual([record.method, record.direction], ['elicitation/create', 'server-to-client']);
    assert.deepEqual([record.outcome, record.detail, record.decision], ['answered', { answered: true }, undefined]);
    assert.ok((record.latency ?? 0) > 0);
    // Of the whole texts, whatever is kept of them.
    const sizes = [record.bytesIn, record.bytesOut];
    assert.deepEqual(sizes, [record.arguments?.bytes, record.result?.bytes]);
    assert.equal(record.plaintext?.about?.agent, 'client');
    if (capture === 'full') {
      assert.match(record.plaintext?.arguments ?? '', /^\{"message":"Who are you, 4711\?","requestedSchema":/);
      assert.deepEqual(JSON.parse(record.plaintext?.result ?? ''), result);
      assert.equal((await audit(gateway, 'search', '--text', 'ADA-4712')).length, 2);
    } else assert.doesNotMatch(JSON.stringify(record), /4711|4712/);
    const data = join(gateway.folder, 'data');
    for (const text of ['4712@', 'you, 4711']) assert.deepEqual(filesWith(data, text), []);
    await audit(gateway, 'verify');
  }
});

test('a question that is refused, or never answered, has its record as well', async () => {
  await using fixture = await startFixture('legacy');
  await using gateway = await start(fixture.url, 'full');
  const first = await asked(gateway);
  await post(gateway, first.session, { id: first.question.id, error: { code: -32_042, message: 'not today' } });
  await first.response.toArray();
  const second = await asked(gateway);
  // No answer can come once the stream is gone that carried the question.
  second.response.on('error', () => {});
  second.sent.destroy();
  const found = () => audit(gateway, 'search', '--kind', 'client-request');
  const deadline = Date.now() + patienceMs;
  while ((await found()).length < 2) assert.ok(Date.now() < deadline, 'there is no record of it');
  const [silent, refused] = await found();
  assert.deepEqual([silent?.outcome, silent?.detail], ['cancelled', { answered: false }]);
  assert.match(silent?.plaintext?.arguments ?? '', /Who are you/);
  assert.deepEqual([refused?.outcome, refused?.code, refused?.detail], ['error', -32_042, { answered: false }]);
  assert.equal(refused?.plaintext?.about?.error, 'not today');
});
