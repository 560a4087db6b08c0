/** Mutations of bytes and of JSON values: small changes of something that is right, which get further than noise. */
import type { Random } from './random.ts';

/** Texts at which readers err: ends of lines, escapes, odd numbers, halves of characters, names of object members. */
const oddities: readonly string[] = [
  '',
  '\0',
  '\r\n',
  '\n\n',
  '\u2028',
  '\ufeff',
  '\\u0000',
  '\\ud800',
  '__proto__',
  '"__proto__":{},',
  'constructor',
  '{',
  '}',
  '[[[[[[[[',
  ']',
  '"',
  ',',
  ':',
  '-0',
  '1e999',
  '1e-999',
  '9007199254740993',
  '0.1e1',
  'null',
  'true',
  '%2e%2e',
  '%00',
  '../',
  '*',
  'ÿ',
  '😀',
  'data: ',
  'event: message\n',
  'id: \0\n',
  'retry: 0\n',
  ': \n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  '0\r\n\r\n',
  'ffffffff\r\n',
];

/** One to four changes: bits, bytes, runs dropped, doubled, moved or replaced by oddities. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  let result = bytes;
  for (let left = 1 + random.below(4); left > 0; left--) result = changeBytes(result, random);
  return result;
}

function changeBytes(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const length = 1 + random.below(random.chance(0.8) ? 4 : 64);
  const [before, run, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
  switch (random.below(6)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      return flipped;
    }
    case 1:
      return Buffer.concat([before, after]);
    case 2:
      return Buffer.concat([before, run, run, after]);
    case 3:
      return Buffer.concat([before, Buffer.from(random.pick(oddities)), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([before, Buffer.from(random.pick(oddities)), after]);
    default: {
      const from = random.below(bytes.length + 1);
      return Buffer.concat([before, bytes.subarray(from, from + length), bytes.subarray(at)]);
    }
  }
}

export function mutateText(text: string, random: Random): string {
  return mutateBytes(Buffer.from(text), random).toString();
}

const strange: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => -1,
  () => 0,
  () => 1.5,
  () => 2 ** 53,
  () => 1e308,
  () => '',
  () => 'x'.repeat(5_000),
  () => '\u0000\u001b[2J',
  () => '\ud800',
  () => [],
  () => ({}),
  () => [[[[[[[[[[]]]]]]]]]],
  () => Array.from({ length: 300 }, () => ({})),
  () => ({ toString: 1, constructor: { prototype: {} }, length: -1 }),
  () => ({ $ref: '#' }),
];

const most = 5_000;

/** Changes one place of a value: another type, a member less, twice or under another name. */
export function mutateValue(value: unknown, random: Random): unknown {
  const places = countPlaces(value);
  const wanted = random.below(Math.min(places, most));
  let place = 0;
  const walk = (at: unknown): unknown => {
    if (place++ === wanted) return replaced(at, random);
    if (Array.isArray(at)) return at.map(walk);
    if (typeof at !== 'object' || at === null) return at;
    return Object.fromEntries(Object.entries(at).map(([key, member]) => [key, walk(member)]));
  };
  return walk(value);
}

function countPlaces(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, member) => sum + countPlaces(member), 1);
}

function replaced(value: unknown, random: Random): unknown {
  if (typeof value === 'string' && random.chance(0.5)) return mutateText(value, random);
  if (typeof value === 'number' && random.chance(0.5)) return value + random.pick([1, -1, 0.5, 1e15, -2 * value]);
  if (typeof value !== 'object' || value === null || random.chance(0.4)) return random.pick(strange)();
  if (Array.isArray(value)) {
    const at = random.below(value.length + 1);
    return random.chance(0.5) ? value.toSpliced(at, 1) : value.toSpliced(at, 0, value[0] ?? random.pick(strange)());
  }
  const entries = Object.entries(value);
  const at = random.below(entries.length + 1);
  const [key, member] = entries[at] ?? ['extra', null];
  const name = random.pick([
    'extra',
    '__proto__',
    'constructor',
    '',
    'id',
    'method',
    'result',
    'error',
    '_meta',
    'params',
  ]);
  const other = random.chance(0.5) ? entries.toSpliced(at, 1) : [...entries, [random.chance(0.5) ? key : name, member]];
  return Object.fromEntries(other as [string, unknown][]);
}
