/** Servers choose the lines of an event stream: the parser that is installed must not look at one more than once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createParser } from 'eventsource-parser';

const size = 8 * 1024 * 1024;

for (const [name, text] of [
  ['line feeds before a late carriage return', `${'\n'.repeat(size)}\r.\n`],
  ['carriage returns before a late line feed', `${'\r'.repeat(size)}.\n`],
  ['comments before a late carriage return', `${':\n'.repeat(size / 2)}\r.\n`],
  ['fields that nobody knows', 'a\n'.repeat(size / 2)],
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
