/** Servers choose the lines of an event stream: the parser that is installed must not look at one more than once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { turnsOf } from '../../pipeline/turns.ts';
import { longText } from '../../protocol/json-pieces.ts';
import { reading } from '../transport.ts';
import type { Pool, ResponseHandler } from './client/pool.ts';
import { exchange } from './post.ts';

const size = 8 * 1024 * 1024;

for (const [name, text] of [
  ['line feeds before a late carriage return', `${'\n'.repeat(size)}\r.\n`],
  ['carriage returns before a late line feed', `${'\r'.repeat(size)}.\n`],
  ['comments before a late carriage return', `${':\n'.repeat(size / 2)}\r.\n`],
  ['unknown fields', 'a\n'.repeat(size / 2)],
] as const)
  test(`${name} cost work for each line once`, () => {
    const events: string[] = [];
    const parser = createParser({ onEvent: ({ data }) => events.push(data) });
    const started = process.cpuUsage();
    parser.feed(text);
    parser.feed('data: after\n\n');
    const { user } = process.cpuUsage(started);
    assert.deepEqual(events, ['after']);
    // Each is done in half a second; 3.1.1, which searches the rest anew from every line, is not done within a minute.
    assert.ok(user < 15_000_000, `${user / 1_000} ms`);
  });

interface Begun {
  readonly handler: ResponseHandler;
  /** What the exchange told, in order. */
  readonly heard: unknown[];
}

/** An exchange whose answer is an event stream. */
function begun(result: number, onText?: () => void): Begun {
  const heard: unknown[] = [];
  let handler: ResponseHandler | undefined;
  const send = (_request: unknown, given: ResponseHandler): { abort: () => boolean } => {
    handler = given;
    return { abort: () => true };
  };
  const limits = { ...reading, depth: 8, values: 100, keys: 10, result, firstByte: 1_000, total: 1_000 };
  exchange(
    { pool: { send } as unknown as Pool, limits },
    { method: 'POST', path: '/', fields: '' },
    {
      onValue: (value) => heard.push(value),
      onResumable: (id, retry) => heard.push([id, retry]),
      ...(onText && { onText }),
      onEnd: () => heard.push('end'),
      onFailure: ({ kind }) => heard.push(kind),
    },
  );
  assert.ok(handler !== undefined);
  handler.onHead(200, { 'content-type': 'text/event-stream' });
  return { handler, heard };
}

test('nothing is heard after the event that ended an exchange', () => {
  const { handler, heard } = begun(1_000);
  handler.onData(Buffer.from('data: {no JSON}\n\nretry: 5\nid: 7\ndata: {}\n\n'));
  handler.onEnd();
  assert.deepEqual(heard, ['misbehaved']);
});

test('a bug in what takes a long event in a later turn ends the exchange', async () => {
  const { handler, heard } = begun(8 * longText, () => {
    throw new Error('a bug');
  });
  handler.onData(Buffer.from(`data: ${'x'.repeat(2 * longText)}`));
  const turns = turnsOf();
  while (!turns.isOver());
  handler.onData(Buffer.from('\n\n'));
  handler.onEnd();
  await turn();
  await turn();
  assert.deepEqual(heard, ['misbehaved']);
});
