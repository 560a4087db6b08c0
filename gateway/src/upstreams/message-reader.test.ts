/** A message of megabytes is read in turns, and nothing of its stream overtakes it. */
import assert from 'node:assert/strict';
import { StringDecoder } from 'node:string_decoder';
import { beforeEach, test } from 'node:test';
import { turnsOf } from '../pipeline/turns.ts';
import type { Pool, ResponseHandler } from './http/client/pool.ts';
import { type ExchangeEvents, exchange } from './http/post.ts';
import { MessageReader } from './message-reader.ts';
import { Supervisor } from './stdio/supervisor.ts';
import { StdioWire } from './stdio/transport.ts';
import { reading } from './transport.ts';

const rows = Array.from({ length: 40_000 }, (_, index) => `row ${index} of a table`);
const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { rows } });
const note = (text: string): string =>
  JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { text } });
const limits = { ...reading, depth: 8, values: 100_000, keys: 10, result: 4_000_000, firstByte: 1_000, total: 1_000 };

/** Else a quick machine may read it all in the time that is left. */
beforeEach(() => {
  const turns = turnsOf();
  while (!turns.isOver());
});

/** An exchange whose bytes the test brings, and what was heard of it. */
function opened(type: string, bounds = limits) {
  const heard: string[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let handler: ResponseHandler | undefined;
  const send = (_request: unknown, given: ResponseHandler): { abort: () => boolean } => {
    handler = given;
    return { abort: () => true };
  };
  const events: ExchangeEvents = {
    onValue: (value) => {
      const { result, params } = value as { result?: { rows: unknown[] }; params?: { text: string } };
      heard.push(result === undefined ? (params?.text ?? '') : `${result.rows.length} rows`);
    },
    onResumable: (id) => heard.push(`at ${id}`),
    onText: (text) => heard.push(text),
    onEnd: () => {
      heard.push('end');
      resolve();
    },
    onFailure: ({ kind }) => {
      heard.push(kind);
      resolve();
    },
  };
  const pool = { send } as unknown as Pool;
  const handle = exchange({ pool, limits: bounds }, { method: 'POST', path: '/', fields: '' }, events);
  assert.ok(handler !== undefined);
  handler.onHead(200, { 'content-type': type });
  return { handler, handle, heard, over };
}

test('events behind a long one wait for it, and so does the end', async () => {
  const { handler, heard, over } = opened('text/event-stream');
  const events = `data: ${note('before')}\n\nid: 3\ndata: ${answer}\n\nid: 4\ndata: ${note('after')}\n\nevent: ping\ndata: ping\n\n`;
  handler.onData(Buffer.from(events));
  handler.onData(Buffer.from(`data: ${answer}\n\ndata: ${note('last')}\n\n`));
  handler.onEnd();
  assert.deepEqual(heard, ['before', 'at 3'], 'the loop is free at once');
  await over;
  assert.deepEqual(heard, ['before', 'at 3', '40000 rows', 'at 4', 'after', 'ping', '40000 rows', 'last', 'end']);
});

test('a connection that breaks behind a long event is told after it', async () => {
  const { handler, heard, over } = opened('text/event-stream');
  handler.onData(Buffer.from(`data: ${answer}\n\n`));
  handler.onError('reset', 'sent');
  await over;
  assert.deepEqual(heard, ['40000 rows', 'unavailable']);
});

test('a long answer is read in turns, and one that is no JSON is refused', async () => {
  const { handler, heard, over } = opened('application/json');
  handler.onData(Buffer.from(answer));
  handler.onEnd();
  assert.deepEqual(heard, []);
  await over;
  assert.deepEqual(heard, ['40000 rows', 'end']);
  const damaged = opened('application/json');
  damaged.handler.onData(Buffer.from(answer.replace('row 39999 of a table"', 'row"x')));
  damaged.handler.onEnd();
  await damaged.over;
  assert.deepEqual(damaged.heard, ['misbehaved']);
});

test('nothing is heard of a long event after its request was given up', async () => {
  const { handler, handle, heard } = opened('text/event-stream');
  handler.onData(Buffer.from(`data: ${answer}\n\ndata: ${note('after')}\n\n`));
  handle.abort();
  // Another one of the same length begins later, and is read for as long.
  const later = opened('text/event-stream');
  later.handler.onData(Buffer.from(`data: ${answer}\n\n`));
  later.handler.onEnd();
  await later.over;
  assert.deepEqual(heard, []);
});

test('what waits behind a long event is bounded', async () => {
  const { handler, heard, over } = opened('text/event-stream', { ...limits, result: answer.length + 100 });
  handler.onData(Buffer.from(`data: ${answer}\n\n`));
  const flood = `data: ${note('flood')}\n\n`.repeat(1_000);
  for (let sent = 0; sent < 20_000; sent += 1_000) handler.onData(Buffer.from(flood));
  await over;
  assert.deepEqual(heard, ['too-large']);
});

test('what waited for a long message has its turns, too', async () => {
  const reader = new MessageReader();
  const order: number[] = [];
  const { promise: read, resolve } = Promise.withResolvers<void>();
  reader.read(answer, limits, () => order.push(-1));
  let turns = 0;
  let isRead = false;
  const busy = new Int32Array(new SharedArrayBuffer(4));
  for (let index = 0; index < 40; index++)
    reader.after(() => {
      order.push(index);
      Atomics.wait(busy, 0, 0, 1);
    });
  reader.after(() => {
    isRead = true;
    resolve();
  });
  const count = (): void => {
    turns++;
    if (!isRead) setImmediate(count);
  };
  setImmediate(count);
  await read;
  assert.deepEqual(order, [-1, ...Array(40).keys()]);
  assert.equal(reader.waitingLength, 0);
  assert.ok(turns > 6, `others had ${turns} turns`);
});

test('of many messages that come in one turn of the loop, long or not, few are read at once, and each stream keeps its order', async () => {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const numbers = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => index / 7));
  const heard: string[] = [];
  const readers = Array.from({ length: 30 }, () => new MessageReader());
  for (const [index, reader] of readers.entries()) {
    reader.read(numbers, limits, ({ ok }) => heard.push(`${index} ${ok}`));
    reader.after(() => {
      heard.push(`${index} after`);
      if (heard.length === 60) resolve();
    });
  }
  assert.ok(heard.length < 30, `${heard.length} of 60 at once`);
  await over;
  for (const index of readers.keys()) {
    const own = heard.filter((each) => each.startsWith(`${index} `));
    assert.deepEqual(own, [`${index} true`, `${index} after`]);
  }
});

test('of many long answers that are whole in one turn of the loop, few become text at once', async (context) => {
  const concat = context.mock.method(Buffer, 'concat');
  const all = Array.from({ length: 8 }, () => opened('application/json'));
  for (const { handler } of all) {
    handler.onData(Buffer.from(answer.slice(0, 1_000)));
    handler.onData(Buffer.from(answer.slice(1_000)));
    handler.onEnd();
  }
  assert.equal(concat.mock.callCount(), 0);
  await Promise.all(all.map(({ over }) => over));
  for (const { heard } of all) assert.deepEqual(heard, ['40000 rows', 'end']);
});

test('of many long events whose chunks come in one turn of the loop, few are parsed at once, and each keeps its order', async (context) => {
  const write = context.mock.method(StringDecoder.prototype, 'write');
  const all = Array.from({ length: 8 }, () => opened('text/event-stream'));
  const text = `data: ${answer}\n\ndata: ${note('after')}\n\n`;
  for (const { handler } of all) {
    handler.onData(Buffer.from(`data: ${note('before')}\n\n`));
    handler.onData(Buffer.from(text.slice(0, -200_000)));
  }
  const before = write.mock.callCount();
  for (const { handler } of all) {
    for (let left = 200_000; left > 0; left -= 50_000)
      handler.onData(Buffer.from(text.slice(-left, left > 50_000 ? 50_000 - left : undefined)));
    handler.onEnd();
  }
  assert.ok(write.mock.callCount() - before <= 4, `${write.mock.callCount() - before} of 32 chunks at once`);
  await Promise.all(all.map(({ over }) => over));
  for (const { heard } of all) assert.deepEqual(heard, ['before', '40000 rows', 'after', 'end']);
});

test('a stream that ends, breaks or floods while chunks of a long event wait ends as it would have', async () => {
  const begin = (bounds = limits) => {
    const stream = opened('text/event-stream', bounds);
    stream.handler.onData(Buffer.from(`data: ${answer.slice(0, 600_000)}`));
    stream.handler.onData(Buffer.from(`${answer.slice(600_000)}\n\n`));
    return stream;
  };
  const broken = begin();
  broken.handler.onError('reset', 'sent');
  const flooded = begin({ ...limits, result: answer.length + 100 });
  flooded.handler.onData(Buffer.alloc(1_000, 'x'));
  const given = begin();
  given.handle.abort();
  await Promise.all([broken.over, flooded.over]);
  assert.deepEqual(broken.heard, ['40000 rows', 'unavailable']);
  assert.deepEqual(flooded.heard, ['too-large']);
  assert.deepEqual(given.heard, []);
});

test('a process whose lines follow a long one is heard in order, also where it ends with one', async () => {
  const heard: string[] = [];
  const { promise: down, resolve } = Promise.withResolvers<void>();
  const program = `
    const rows = ${JSON.stringify(rows.slice(0, 2))}.concat(Array.from({ length: 39998 }, (_, index) => 'row ' + (index + 2) + ' of a table'));
    const answer = (id) => JSON.stringify({ jsonrpc: '2.0', id, result: { rows } });
    const note = (text) => JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { text } });
    process.stdout.write([note('a'), answer(1), note('b'), note('c'), answer(2), answer(3), note('d'), answer(4)].join('\\n'));`;
  const supervisor = new Supervisor('test');
  const wire = new StdioWire(
    { program: process.execPath, args: ['-e', program], cwd: '/', env: {} },
    limits,
    {
      onMessage: (message) => heard.push('id' in message ? `answer ${message.id}` : JSON.stringify(message)),
      onRequestFailed: (id, { kind }) => heard.push(`${id} ${kind}`),
      onDown: () => resolve(),
    },
    { onNoise: () => {}, onBroken: (text) => heard.push(text) },
    supervisor,
  );
  await down;
  await wire.close();
  supervisor.close();
  const told = heard.map((each) => /"text":"(\w)"/.exec(each)?.[1] ?? each);
  assert.deepEqual(told, ['a', 'answer 1', 'b', 'c', 'answer 2', 'answer 3', 'd', 'answer 4']);
});
