/** Readers of bytes as they come: however the bytes are cut, the same must come out. */
import { nextTurn, turnsOf } from '../../../gateway/src/pipeline/turns.ts';
import { Lines } from '../../../gateway/src/protocol/lines.ts';
import { Pieces } from '../../../gateway/src/protocol/pieces.ts';
import type { Pool, ResponseHandler } from '../../../gateway/src/upstreams/http/client/pool.ts';
import { ResponseReader } from '../../../gateway/src/upstreams/http/client/response.ts';
import { exchange } from '../../../gateway/src/upstreams/http/post.ts';
import { reading } from '../../../gateway/src/upstreams/transport.ts';
import { hostileBytes } from '../hostile.ts';
import type { Check } from '../in-process.ts';
import { mutateBytes } from '../mutate.ts';
import { seeded } from '../random.ts';
import { corpusLines } from '../target.ts';

const messages = corpusLines('messages.jsonl');
const maxLineLength = 600;
const longest = 200_000;

/** Cuts that the input chooses itself, so that a file repeats them. */
function pieces(input: Buffer): readonly Buffer[] {
  const random = seeded(input.reduce((sum, byte) => (sum * 31 + byte) >>> 0, input.length));
  const most = random.pick([1, 3, 40, 4_000]);
  const parts: Buffer[] = [];
  // Byte by byte only as far as that is quick.
  for (let at = 0; at < input.length; ) {
    const length = parts.length > 500 ? 16_384 : 1 + random.below(most);
    parts.push(input.subarray(at, at + length));
    at += length;
  }
  return parts;
}

function linesOf(parts: readonly Buffer[]): readonly string[] {
  const heard: string[] = [];
  const lines = new Lines(maxLineLength, {
    onLine: (line) => heard.push(line.toString('latin1')),
    onTooLong: (_first, last) => heard.push(`too long: ${last.toString('latin1')}`),
  });
  for (const part of parts) lines.feed(part);
  return heard;
}

function checkLines(input: Buffer): string | undefined {
  const parts = pieces(input);
  const expected = input
    .toString('latin1')
    .split('\n')
    .slice(0, -1)
    .map((line) => (line.length > maxLineLength ? `too long: ${line.slice(-512)}` : line));
  if (linesOf(parts).join('\n') !== expected.join('\n')) return 'lines depend on how the bytes are cut';
  const collected = new Pieces();
  for (const part of parts) collected.add(part);
  return collected.take().equals(input) ? undefined : 'pieces are not what was added';
}

export const lines: Check = {
  name: 'lines and pieces',
  make: (random) => {
    const count = 1 + random.below(6);
    const text = Array.from({ length: count }, () => random.pick(messages)).join(
      random.pick(['\n', '\r\n', '\n\n', '']),
    );
    return mutateBytes(Buffer.from(`${text}\n`), random);
  },
  open: async () => checkLines,
};

const limits = {
  ...reading,
  depth: 64,
  values: 150_000,
  keys: 10_000,
  result: 1024 * 1024,
  firstByte: 1_000,
  total: 1_000,
};

/** Turns of the loop in which what was put off is heard. */
const maxTurns = 50;

/** Everything that a response of these bytes says to the rest of the gateway. */
async function heardOf(parts: readonly Buffer[]): Promise<string> {
  const heard: unknown[] = [];
  const handlers: ResponseHandler[] = [];
  let aborted = false;
  const pool = {
    send: (_request: unknown, handler: ResponseHandler) => {
      handlers.push(handler);
      return { abort: () => (aborted = true) };
    },
  };
  exchange(
    { pool: pool as unknown as Pool, limits },
    { method: 'POST', path: '/', fields: '' },
    {
      onHead: (status) => heard.push(status),
      onValue: (value) => heard.push(['value', value]),
      onText: (text, event) => heard.push(['text', text, event]),
      onResumable: (id, retry) => heard.push(['resumable', id, retry]),
      onEnd: (status) => heard.push(['end', status]),
      onFailure: ({ kind }) => heard.push(['failure', kind]),
    },
  );
  const [handler] = handlers;
  if (handler === undefined) return 'not sent';
  const reader = new ResponseReader(handler);
  let problem: string | undefined;
  for (const part of parts) {
    problem = reader.feed(part);
    if (problem !== undefined || aborted) break;
  }
  if (!aborted && problem !== undefined) handler.onError(problem, 'sent');
  else if (!aborted && (reader.isDone || reader.end())) handler.onEnd();
  // A reader of long events that has had its part of a turn goes on in later ones.
  if (turnsOf().isOver()) for (let turn = 0; turn < maxTurns; turn++) await nextTurn();
  return JSON.stringify([heard, aborted ? 'aborted' : (problem ?? reader.isDone)]);
}

export const responses: Check = {
  name: 'responses and events',
  make: (random) => {
    const asked = { id: random.pick([1, 7, 'x']), method: random.pick(['tools/call', 'tools/list', 'initialize']) };
    const bytes = hostileBytes(asked, random).subarray(0, longest);
    return random.chance(0.7) ? mutateBytes(bytes, random) : bytes;
  },
  open: async () => async (input) =>
    (await heardOf([input])) === (await heardOf(pieces(input)))
      ? undefined
      : 'what is heard depends on how the bytes are cut',
};
