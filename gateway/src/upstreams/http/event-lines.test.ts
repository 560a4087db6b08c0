/** Servers choose the lines of an event stream: the parser that is installed must not look at one more than once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createParser } from 'eventsource-parser';
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

test('nothing is heard after the event that ended an exchange', () => {
  const heard: unknown[] = [];
  let handler: ResponseHandler | undefined;
  const send = (_request: unknown, given: ResponseHandler): { abort: () => boolean } => {
    handler = given;
    return { abort: () => true };
  };
  const limits = { ...reading, depth: 8, values: 100, keys: 10, result: 1_000, firstByte: 1_000, total: 1_000 };
  exchange(
    { pool: { send } as unknown as Pool, limits },
    { method: 'POST', path: '/', fields: '' },
    {
      onValue: (value) => heard.push(value),
      onResumable: (id, retry) => heard.push([id, retry]),
      onEnd: () => heard.push('end'),
      onFailure: ({ kind }) => heard.push(kind),
    },
  );
  handler?.onHead(200, { 'content-type': 'text/event-stream' });
  handler?.onData(Buffer.from('data: {no JSON}\n\nretry: 5\nid: 7\ndata: {}\n\n'));
  handler?.onEnd();
  assert.deepEqual(heard, ['misbehaved']);
});
