/** Circuit breakers through a running gateway: servers that hang, die, flap, and break the protocol; others go on. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { modernCallWith, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { openSession } from './clients.ts';
import { type Gateway, gatewayFile, type Settings, startGateway } from './harness.ts';
import { patienceMs } from './process.ts';

const tools = ['search', 'update', 'drop', 'copy'].map((name) => ({ name }));
const made = 'the witness was called';
/** Opens soon; longer than a few calls in a row take on a busy machine. */
const quick = { failures: 3, pause: '1s', longestPause: '5s' };

const settingsOf = (servers: Readonly<Record<string, object>>): Settings => ({
  callers: { agents: { a: {}, b: {} } },
  servers,
  connections: Object.keys(servers).map((to) => ({
    name: `to ${to}`,
    from: { anyone: true },
    to,
    tools: [{ allow: '*' }],
  })),
  breaker: quick,
});

const textOf = (text: string) => ({ resultType: 'complete', content: [{ type: 'text', text }] });

interface Answer {
  readonly text: string;
  readonly denial: Readonly<Record<string, unknown>> | undefined;
}

async function call(gateway: Gateway, key: string, server: string, tool = 'search'): Promise<Answer> {
  const { json, body } = await sendRaw(modernCallWith({ url: gateway.endpoint(server), key, tool }));
  const result = json?.result as
    | { content?: { text?: string }[]; _meta?: Record<string, Answer['denial']> }
    | undefined;
  return { text: result?.content?.[0]?.text ?? body, denial: result?._meta?.['sallyport/denial'] };
}

const refusedText =
  /^(?:The server|This tool of the server) (?:hanging|dying|flapping|s) failed again and again, and the call was not made\. Try again in \d+ seconds?/;

/** Calls until this holds of an answer; each call is let through or refused at once. */
async function until(holds: (answer: Answer) => boolean, ask: () => Promise<Answer>): Promise<Answer> {
  for (const deadline = Date.now() + patienceMs; ; ) {
    const answer = await ask();
    if (holds(answer)) return answer;
    assert.ok(Date.now() < deadline, answer.text);
    await pause(50);
  }
}

/** What is recorded of the circuits of one server. */
async function records(server: string): Promise<string> {
  const words = ['audit', 'search', '--kind', 'server-breaker', '--server', server, '--json'];
  return (await runCommandHere(...words, '--config', gateway.config)).stdout;
}

/** One gateway before the servers of the tests that set nothing for the whole of it. */
let witness: Witness;
let other: Witness;
/** A test ends it. */
let dies: Witness | undefined;
let flaps: Witness;
let gateway: Gateway;

before(async () => {
  [witness, other, flaps, dies] = await Promise.all([
    startWitness(tools),
    startWitness(tools),
    startWitness(tools),
    startWitness(tools),
  ]);
  gateway = await startGateway(
    settingsOf({
      hanging: {
        url: witness.url,
        timeouts: { firstByte: '1s' },
        breaker: { ...quick, pause: '2s', longestPause: '2s' },
      },
      dying: { url: dies.url, breaker: { ...quick, pause: '2s', longestPause: '2s' } },
      flapping: { url: flaps.url },
      o: { url: other.url },
    }),
  );
});
after(async () => {
  await gateway.stop();
  for (const each of [witness, other, flaps, dies]) await each?.[Symbol.asyncDispose]();
});

const metricsOf = async (gateway: Gateway): Promise<string> => await (await fetch(`${gateway.admin}/metrics`)).text();

test('a hanging tool is refused at once with a hint, one probe goes through, and it comes back; others go on', async () => {
  const [a, b] = [gateway.key('a'), gateway.key('b')];
  let isHanging = true;
  witness.answer('search', (response, { message: { id } }) => {
    if (!isHanging) sendJson(response, { jsonrpc: '2.0', id, result: textOf(made) });
  });
  for (let at = 0; at < 3; at++) assert.match((await call(gateway, a, 'hanging')).text, /did not answer in time/);
  witness.forget();
  const refused = await call(gateway, a, 'hanging');
  assert.match(refused.text, refusedText);
  const { reference, ...denial } = refused.denial ?? {};
  assert.equal(typeof reference, 'string');
  assert.deepEqual(denial, { class: 'transient', retryable: true, retryAfterSeconds: denial['retryAfterSeconds'] });
  assert.ok(Number(denial['retryAfterSeconds']) >= 1);
  assert.equal(witness.calls().length, 0, 'nothing reached it');
  assert.equal((await call(gateway, a, 'hanging', 'update')).text, made, 'another tool');
  assert.equal((await call(gateway, a, 'o')).text, made, 'another server');
  // One caller alone met it; with another one it is held back for all.
  assert.match((await call(gateway, b, 'hanging')).text, /did not answer in time/);
  assert.match((await call(gateway, b, 'hanging')).text, refusedText);
  witness.forget();
  // One probe of many calls that come at the same time.
  let probes: readonly Answer[] = [];
  while (probes.length === 0) {
    const all = await Promise.all(Array.from({ length: 8 }, (_, at) => call(gateway, at % 2 === 0 ? a : b, 'hanging')));
    probes = all.filter(({ text }) => !refusedText.test(text));
  }
  assert.equal(probes.length, 1);
  assert.match(probes[0]?.text ?? '', /did not answer in time/);
  assert.equal(witness.calls().length, 1);
  isHanging = false;
  await until(
    ({ text }) => text === made,
    () => call(gateway, a, 'hanging'),
  );
  assert.equal((await call(gateway, b, 'hanging')).text, made);
  const metrics = await metricsOf(gateway);
  assert.match(metrics, /sallyport_breaker_events_total\{server="hanging",event="opened"\} [1-9]/);
  assert.match(metrics, /sallyport_breaker_events_total\{server="hanging",event="closed"\} [1-9]/);
  assert.match(metrics, /sallyport_breaker_events_total\{server="hanging",event="refused"\} [1-9]/);
  assert.doesNotMatch(metrics, /sallyport_breakers_open\{server="hanging"/);
});

test('a server that dies opens for every caller, shows in server list, metrics and records, and comes back', async () => {
  const port = Number(new URL(dies?.url ?? '').port);
  const [a, b] = [gateway.key('a'), gateway.key('b')];
  assert.equal((await call(gateway, a, 'dying')).text, made);
  await dies?.[Symbol.asyncDispose]();
  dies = undefined;
  await until(
    ({ text }) => refusedText.test(text),
    () => call(gateway, a, 'dying'),
  );
  assert.match((await call(gateway, b, 'dying', 'update')).text, refusedText, 'another caller, another tool');
  assert.match(await metricsOf(gateway), /sallyport_breakers_open\{server="dying",of="server"\} 1/);
  assert.equal((await call(gateway, b, 'o')).text, made);
  const open = /^dying .*\n {4}CANNOT BE REACHED since .*\n {4}BREAKER OPEN since \S+: calls are held back$/m;
  let list = '';
  // Written within a second of the change.
  for (const deadline = Date.now() + patienceMs; !open.test(list); assert.ok(Date.now() < deadline, list))
    ({ stdout: list } = await runCommandHere('server', 'list', '--config', gateway.config));
  await using again = await startWitness(tools, {}, port);
  await until(
    ({ text }) => text === made,
    () => call(gateway, a, 'dying'),
  );
  assert.equal((await call(gateway, b, 'dying')).text, made);
  assert.ok(again.calls().length >= 2);
  const states = [...(await records('dying')).matchAll(/"state": "(opened|closed)"/g)].map(([, state]) => state);
  assert.deepEqual(states, ['closed', 'opened']);
});

test('a server that flaps is held back longer each time, and one that answers isError never is', async () => {
  const a = gateway.key('a');
  let failures = 0;
  flaps.answer('search', (response, { message: { id } }) => {
    if (failures-- > 0) return void response.destroy();
    sendJson(response, {
      jsonrpc: '2.0',
      id,
      result: textOf(made),
    });
  });
  for (let round = 0; round < 3; round++) {
    failures = 3;
    await until(
      ({ text }) => refusedText.test(text),
      () => call(gateway, a, 'flapping'),
    );
    await until(
      ({ text }) => text === made,
      () => call(gateway, a, 'flapping'),
    );
  }
  const found = await records('flapping');
  // The newest first.
  const pauses = [...found.matchAll(/"pauseMs": (\d+)/g)].map(([, ms]) => Number(ms)).toReversed();
  assert.equal(pauses.length, 3, found);
  const [one = 0, two = 0, three = 0] = pauses;
  assert.ok(one >= 800 && two > one * 1.2 && three > two * 1.2, pauses.join(' '));
  flaps.answer('update', (response, { message: { id } }) => {
    sendJson(response, { jsonrpc: '2.0', id, result: { ...textOf('wrong arguments'), isError: true } });
  });
  for (let at = 0; at < 30; at++) assert.equal((await call(gateway, a, 'flapping', 'update')).text, 'wrong arguments');
});

test('answers that break the protocol or are too large count, and so does what a guardrail withholds', async (t) => {
  await using witness = await startWitness(tools);
  const bounds = { result: '4KiB' };
  const guardrails = { tokens: { secrets: 'block' } };
  const inspection = { guardrails: 'tokens' };
  const settings = settingsOf({ s: { url: witness.url } });
  await using gateway = await startGateway({ ...settings, bounds, guardrails, inspection });
  const a = gateway.key('a');
  const large = 'x'.repeat(8_192);
  // Made here, so that it stands in no file.
  const token = `AKIA${Array.from({ length: 16 }, () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[randomInt(32)]).join('')}`;
  const kinds: [string, Parameters<Witness['answer']>[1]][] = [
    ['search', (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":')],
    [
      'update',
      (response, { message: { id } }) =>
        sendJson(response, {
          jsonrpc: '2.0',
          id,
          result: textOf(large),
        }),
    ],
  ];
  kinds.push([
    'copy',
    (response, { message: { id } }) => sendJson(response, { jsonrpc: '2.0', id, result: textOf(token) }),
  ]);
  for (const [tool, answering] of kinds)
    await t.test(tool, async () => {
      witness.answer(tool, answering);
      for (let at = 0; at < 3; at++) assert.doesNotMatch((await call(gateway, a, 's', tool)).text, refusedText);
      assert.match((await call(gateway, a, 's', tool)).text, refusedText);
      assert.equal((await call(gateway, a, 's', 'drop')).text, made);
    });
});

test('over stdio, at the portal: a process that ends with each call; off, every call is made', async (t) => {
  const command = [process.execPath, '--input-type=module', '--eval', dying];
  const servers = { s: { command }, wild: { command, breaker: 'off' } };
  await using gateway = await startGateway(settingsOf(servers));
  const arguments_ = [
    process.execPath,
    gatewayFile,
    'stdio',
    '--config',
    gateway.config,
    '--key',
    gateway.key('a'),
  ] as const;
  await using session = await openSession('sdk2-auto', { command: arguments_ });
  const texts: string[] = [];
  for (let at = 0; at < 12; at++) texts.push((await session.call('s__die', {})).text);
  assert.ok(
    texts.some((text) => refusedText.test(text)),
    texts.join('\n'),
  );
  for (let at = 0; at < 12; at++) assert.doesNotMatch((await session.call('wild__die', {})).text, refusedText);
  t.diagnostic(texts.at(-1) ?? '');
});

/** A server that ends when its tool is called. */
const dying = `
process.stdin.setEncoding('utf8');
let left = '';
const send = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
process.stdin.on('data', (text) => {
  left += text;
  for (let at = left.indexOf('\\n'); at !== -1; at = left.indexOf('\\n')) {
    const line = left.slice(0, at);
    left = left.slice(at + 1);
    const { id, method } = JSON.parse(line);
    if (method === 'initialize')
      send(id, { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'dying', version: '1' } });
    else if (method === 'tools/list') send(id, { tools: [{ name: 'die', inputSchema: { type: 'object' } }] });
    else if (method === 'tools/call') process.exit(1);
    else if (id !== undefined)
      process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }) + '\\n');
  }
});`;
