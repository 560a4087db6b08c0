/** Texts of JSON that are dear to read for their size: each puts as much of one construct as fits into `bytes`. */

export interface Bomb {
  readonly name: string;
  readonly make: (bytes: number) => string;
}

const filled = (item: string, bytes: number): string =>
  `[${Array.from({ length: Math.floor((bytes - 2) / (item.length + 1)) }, () => item).join(',')}]`;

/** Items made from their number, until they fill `bytes`. */
function numbered(item: (index: number) => string, bytes: number, [open, close]: readonly [string, string]): string {
  const items: string[] = [];
  for (let length = 2, index = 0; ; index++) {
    const next = item(index);
    length += next.length + 1;
    if (length > bytes) return open + items.join(',') + close;
    items.push(next);
  }
}

const list = ['[', ']'] as const;
const object = ['{', '}'] as const;
const key = (index: number): string => `k${index.toString(36)}`;

/** Some kinds of text that were slow in the past, and their neighbours. */
export const bombs: readonly Bomb[] = [
  { name: 'one number of ones and zeros', make: (bytes) => `[1${'0'.repeat(bytes - 4)}1]` },
  { name: 'one number behind a point', make: (bytes) => `[0.${'0'.repeat(bytes - 5)}1]` },
  { name: 'one exponent', make: (bytes) => `[1e${'9'.repeat(bytes - 4)}]` },
  { name: 'many numbers and one exponent', make: (bytes) => `${filled('1', bytes - 4).slice(0, -1)},1e9]` },
  { name: 'numbers beyond double precision', make: (bytes) => filled('12345678901234567891', bytes) },
  { name: 'numbers with seventeen digits', make: (bytes) => filled('0.12345678901234566', bytes) },
  { name: 'numbers with zeros behind', make: (bytes) => filled(`1.5${'0'.repeat(30)}`, bytes) },
  { name: 'numbers of two thousand digits', make: (bytes) => filled(`1${'0'.repeat(2_000)}1`, bytes) },
  { name: 'large exponents', make: (bytes) => filled('1e308', bytes) },
  { name: 'small exponents', make: (bytes) => filled('5e-324', bytes) },
  { name: 'empty arrays', make: (bytes) => filled('[]', bytes) },
  { name: 'empty objects', make: (bytes) => filled('{}', bytes) },
  { name: 'small numbers', make: (bytes) => filled('1', bytes) },
  { name: 'empty strings', make: (bytes) => filled('""', bytes) },
  { name: 'different keys in one object', make: (bytes) => numbered((at) => `"${key(at)}":1`, bytes, object) },
  { name: 'different keys in many objects', make: (bytes) => numbered((at) => `{"${key(at)}":1}`, bytes, list) },
  { name: 'keys that are numbers', make: (bytes) => numbered((at) => `"${at * 9_973}":1`, bytes, object) },
  { name: 'equal keys that are numbers', make: (bytes) => filled('{"999999":1}', bytes) },
  { name: 'long keys', make: (bytes) => numbered((at) => `{"${'k'.repeat(700)}${key(at)}":1}`, bytes, list) },
  { name: 'escaped keys', make: (bytes) => numbered((at) => `{"\\u006b${key(at)}":1}`, bytes, list) },
  {
    name: 'equal keys in different orders',
    make: (bytes) =>
      numbered(
        (at) => {
          const keys = 'abcdefghijklmnop'.split('');
          // Any number names an order: digits of a changing base say which key comes next.
          let rest = at * 7_919 + 1;
          const order: string[] = [];
          while (keys.length > 0) {
            order.push(...keys.splice(rest % keys.length, 1));
            rest = Math.floor(rest / 3) + at;
          }
          return `{${order.map((name) => `"${name}":1`).join(',')}}`;
        },
        bytes,
        list,
      ),
  },
  { name: 'nested arrays', make: (bytes) => filled('['.repeat(60) + ']'.repeat(60), bytes) },
  { name: 'deep nesting', make: (bytes) => '['.repeat(bytes) },
  { name: 'escaped backslashes', make: (bytes) => `["${'\\\\'.repeat(bytes / 2 - 3)}"]` },
  { name: 'escaped quotes', make: (bytes) => `["${'\\"'.repeat(bytes / 2 - 3)}"]` },
  { name: 'escaped characters', make: (bytes) => `["${'\\u00e9'.repeat(bytes / 6 - 3)}"]` },
  { name: 'an open string of backslashes', make: (bytes) => `["${'\\'.repeat(bytes - 3)}` },
  { name: 'quotes', make: (bytes) => '"'.repeat(bytes) },
  { name: 'colons', make: (bytes) => `{${'"a":'.repeat(bytes / 4 - 1)}` },
  { name: 'minus signs', make: (bytes) => `[${'-'.repeat(bytes - 2)}]` },
  { name: 'minus signs and digits', make: (bytes) => `[${'-1'.repeat(bytes / 2 - 1)}]` },
  { name: 'space', make: (bytes) => `[${' '.repeat(bytes - 3)}1]` },
  { name: 'space behind long numbers', make: (bytes) => filled(`${'9'.repeat(20)}${' '.repeat(20)}`, bytes) },
];
