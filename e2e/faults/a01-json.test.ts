/** A1: JSON that takes long to read, from a stranger, a caller and a server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseJson } from '../../gateway/src/protocol/json.ts';
import { cpuMs } from '../../gateway/test/support/cpu.ts';
import { meta, modernCall, modernHeaders, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import { startWitness, type Witness } from '../attacks/witness.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { type Bomb, bombs } from './bombs.ts';
import { cpuMsOf, waitsDuring } from './stall.ts';

/** Several seconds passed here before. Processor time of the gateway, which a busy machine does not change. */
const maxCpuMs = 700;
/** What is left to the clock on the wall: much longer than that on a machine that has other things to do. */
const maxWaitMs = 5_000;
const size = 4 * 1024 * 1024;

/** Made once: it takes as long as what is tested. */
const made = new Map<string, string>();
function textOf({ name, make }: Bomb): string {
  const text = made.get(name) ?? make(size);
  made.set(name, text);
  return text;
}

let witness: Witness;
let open: Gateway;
let closed: Gateway;

const inputSchema = { type: 'object', properties: { rows: {}, n: {}, text: {} } };

before(async () => {
  witness = await startWitness([
    { name: 'tool', inputSchema },
    { name: 'plain', inputSchema },
  ]);
  const settings = openSettings('client', { witness: { url: witness.url } });
  open = await startGateway(settings);
  closed = await startGateway({ ...settings, authentication: {} });
});
after(async () => {
  await open.stop();
  await closed.stop();
  await witness[Symbol.asyncDispose]();
});

/** What `attack` came to, when neither the gateway nor those beside it paid too much for it. */
async function bounded<T>(gateway: Gateway, name: string, attack: () => Promise<T>): Promise<T> {
  const before = await cpuMsOf(gateway.pid);
  const { result, worstMs } = await waitsDuring(gateway.admin, attack);
  const cpuMs = (await cpuMsOf(gateway.pid)) - before;
  assert.ok(cpuMs < maxCpuMs, `${name}: the gateway worked for ${cpuMs} ms`);
  assert.ok(worstMs < maxWaitMs, `${name}: another request waited ${worstMs} ms`);
  return result;
}

function post(gateway: Gateway, body: string, name = 'tool'): Promise<RawAnswer> {
  return sendRaw({ url: gateway.endpoint('witness'), headers: modernHeaders('tools/call', name), body });
}

test('A1: a stranger gets 401 before the body is read, and other requests do not wait', async () => {
  for (const bomb of bombs) {
    const body = textOf(bomb);
    const { status } = await bounded(closed, bomb.name, () => post(closed, body));
    assert.equal(status, 401, bomb.name);
  }
});

test('A1: a stranger is answered although the body never comes', async () => {
  const answer = await sendRaw({
    url: closed.endpoint('witness'),
    headers: [...modernHeaders('tools/call', 'tool'), ['Content-Length', '4000000']],
    body: '{',
  });
  assert.equal(answer.status, 401);
});

for (const bomb of bombs)
  test(`A1: a caller sends ${bomb.name}`, async () => {
    const text = textOf(bomb);
    const { status, body } = await bounded(open, bomb.name, () => post(open, text));
    assert.ok([200, 400].includes(status), `${status} ${body.slice(0, 200)}`);
  });

for (const bomb of bombs)
  for (const shape of ['json', 'events'] as const)
    test(`A1: a server answers with ${bomb.name}, as ${shape}`, async () => {
      witness.answer('tool', (response, { message }) => {
        const text = `{"jsonrpc":"2.0","id":${message.id},"result":{"content":[],"structuredContent":${textOf(bomb)}}}`;
        response.writeHead(200, { 'content-type': shape === 'json' ? 'application/json' : 'text/event-stream' });
        response.end(shape === 'json' ? text : `data: ${text}\n\n`);
      });
      const { status } = await bounded(open, bomb.name, () => post(open, modernCall('tool')));
      assert.equal(status, 200);
    });

/** Milliseconds of CPU of the fastest of three readings, so that a busy machine does not count. */
function fastest(text: string): number {
  const bytes = Buffer.from(text);
  const times = [1, 2, 3].map(() => {
    const began = cpuMs();
    parseJson(bytes, { depth: 64 });
    return cpuMs() - began;
  });
  return Math.min(...times);
}

test('A1: (unit) nothing takes more than four times as long to read as ordinary JSON of its size', () => {
  const row = {
    id: 1,
    title: 'Ticket',
    body: 'Some text that a person wrote. '.repeat(8),
    tags: ['a', 'b'],
    done: false,
  };
  const ordinary = JSON.stringify(Array.from({ length: size / JSON.stringify(row).length }, () => row));
  const allowedMs = Math.max(50, 4 * fastest(ordinary));
  for (const bomb of bombs) {
    const took = fastest(textOf(bomb));
    assert.ok(took < allowedMs, `${bomb.name}: ${took} ms, and ${allowedMs} ms are allowed`);
  }
});

test('A1: what a person would send still passes: long numbers, many rows, a long text', async () => {
  const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, name: `row ${id}`, done: false, at: 1.5 }));
  const call = (args: string): Promise<RawAnswer> =>
    post(
      open,
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"plain","arguments":${args},"_meta":${JSON.stringify(meta)}}}`,
      'plain',
    );
  witness.forget();
  for (const args of [
    JSON.stringify({ rows }),
    '{"n":123456789012345678901234567890}',
    JSON.stringify({ text: '"quoted" \\ text '.repeat(100_000) }),
  ]) {
    const answer = await call(args);
    assert.equal(answer.json?.result?.isError, undefined, answer.body.slice(0, 200));
  }
  assert.match(witness.calls()[1]?.body ?? '', /123456789012345678901234567890/);
});
