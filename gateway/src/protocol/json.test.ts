import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exact, type JsonFault, type JsonObject, parseJson, readOwnJson } from './json.ts';
import { endOfString } from './json-survey.ts';

const limits = { depth: 8 };
const parse = (text: string) => parseJson(Buffer.from(text), limits);

const refused: readonly (readonly [string, JsonFault])[] = [
  ['', 'empty'],
  ['\ufeff{}', 'byte-order-mark'],
  ['{', 'syntax'],
  ['{"a":1,"a":2}', 'duplicate-key'],
  ['{"a":1,"\\u0061":2}', 'duplicate-key'],
  ['{"a":{"b":[{"c":1,"d":2,"c":3}]}}', 'duplicate-key'],
  ['{"__proto__":{}}', 'forbidden-key'],
  ['{"\\u005f_proto__":{}}', 'forbidden-key'],
  ['{"a":"\\ud800"}', 'lone-surrogate'],
  ['{"\\udc00":1}', 'lone-surrogate'],
  ['['.repeat(9) + ']'.repeat(9), 'too-deep'],
  ['['.repeat(1_000_000), 'too-deep'],
];

for (const [text, fault] of refused)
  test(`refuses ${text.slice(0, 40)} as ${fault}`, () => {
    const result = parse(text);
    assert.equal(result.ok ? 'accepted' : result.fault, fault);
  });

test('refuses bytes that are not UTF-8, overlong forms included', () => {
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80]])
    assert.deepEqual(parseJson(Buffer.from([0x22, ...bytes, 0x22]), limits), { ok: false, fault: 'not-utf8' });
});

test('numbers beyond double precision survive unchanged', () => {
  for (const number of ['9007199254740993', '0.1000000000000000055511151231257827', '1e400', '-123456789012345678901'])
    assert.equal(roundTrip(`{"n":${number}}`), `{"n":${number}}`);
});

test('conditions see such an integer exactly, and nothing in place of such a fraction', () => {
  const result = parse('{"a":9007199254740993,"b":0.12345678901234567890,"c":1}');
  assert.ok(result.ok && result.rawNumbers);
  assert.deepEqual(exact(result.value), { a: 9007199254740993n, b: undefined, c: 1 });
});

test('what JSON.stringify writes is read back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      if (text.includes('"__proto__"')) return;
      const result = parseJson(Buffer.from(text), { depth: 64 });
      if (!text.isWellFormed() || /\\ud[89a-f]/.test(text)) return;
      assert.ok(result.ok, text);
      assert.equal(JSON.stringify(result.value), text);
    }),
    { verbose: true },
  );
});

test('a text ends where its quote is not escaped, however its escapes lie', () => {
  const end = (text: string): number => {
    for (let index = 1; index < text.length; index++)
      if (text[index] === '"') return index;
      else if (text[index] === '\\') index++;
    return -1;
  };
  const part = fc.constantFrom('"', '\\', '\\"', '\\\\', '\\n', 'a', 'aaaaaaaaa', 'aaaaaaaaaa', 'aaaaaaaaaaa');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      const text = `"${parts.join('')}`;
      assert.equal(endOfString(text, 0), end(text));
    }),
    { numRuns: 2_000, verbose: true },
  );
});

test('mutated JSON never throws, and what is accepted is what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 3 }), (json, at, insert) => {
      const cut = at % (json.length + 1);
      const text = json.slice(0, cut) + insert + json.slice(cut);
      const result = parseJson(Buffer.from(text), { depth: 64 });
      // `JSON.parse` is no witness where a key holds an escape.
      if (result.ok && !result.rawNumbers && !text.includes('\\'))
        assert.deepEqual(result.value, JSON.parse(Buffer.from(text).toString()));
    }),
    { verbose: true },
  );
});

function roundTrip(text: string): string {
  const result = parse(text);
  assert.ok(result.ok, text);
  return JSON.stringify(result.value);
}

const memberOf = (text: string) => {
  const parsed = parseJson(Buffer.from(text), { depth: 16, member: 'result', looseText: true });
  assert.ok(parsed.ok, text);
  return parsed.memberText;
};

/** With this parser: `JSON.parse` may read a key with an escape as another one. */
const valueOf = (text: string): unknown => {
  const parsed = parseJson(Buffer.from(text), { depth: 16, looseText: true });
  assert.ok(parsed.ok, text);
  return parsed.value;
};

test('the text of a member is found where it is the member, and nowhere else', () => {
  for (const [text, expected] of [
    ['{"jsonrpc":"2.0","id":1,"result":{"a":[1.0,"}"],"b":1e2}}', '{"a":[1.0,"}"],"b":1e2}'],
    ['{"result":{"result":{"x":1}},"id":"result"}', '{"result":{"x":1}}'],
    ['{"id":"result","result":[{"k":"\\"}"},2]}', '[{"k":"\\"}"},2]'],
    ['{"a":"result","b":{"result":1}}', undefined],
    ['{"a":"result"}', undefined],
    ['{"\\u0072esult":{"a":1}}', undefined],
    ['["result",{"result":1}]', undefined],
    ['"result"', undefined],
    ['{"x":{"result":1},"result":"\\"result\\":2"}', '"\\"result\\":2"'],
    ['{"results":1,"resul":2}', undefined],
    ['{"result": {"a": 1} }', ' {"a": 1} '],
    ['{"result":{"a":\n1}}', undefined],
    ['{"result":{"a":\r1}}', undefined],
  ] as const)
    assert.equal(memberOf(text), expected, text);
});

test('the text of a member says what its value says, whatever stands around it', () => {
  const text = fc.oneof(fc.constantFrom('result', '"result":', '{"result":1}', '\\', ','), fc.string());
  const leaf = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));
  const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(text, leaf, { maxKeys: 3 }));
  fc.assert(
    fc.property(fc.dictionary(text, value, { maxKeys: 4 }), value, fc.boolean(), (around, result, first) => {
      const sent = first ? { result, ...around } : { ...around, result };
      const whole = JSON.stringify(sent);
      if (whole.includes('"__proto__"')) return;
      const found = memberOf(whole);
      assert.ok(found !== undefined);
      assert.equal(JSON.stringify(valueOf(found)), JSON.stringify(sent.result));
      assert.equal(JSON.stringify(valueOf(whole)), whole);
    }),
    { numRuns: 3_000 },
  );
});

/** A key as it may be spelled, and the key that the engine takes for it once it was in another text. */
const confused = [
  ['\\u0070ath', '\\u00'],
  ['p\\u0061th', 'p\\u0'],
  ['\\"', '\\'],
  ['a\\"~', 'a\\"'],
  ['\\n\\"', '\\n'],
  ['é\\t', 'é\\'],
  ['~\\\\1', '~\\\\'],
] as const;

test('a key with an escape is read as it is spelled, whatever keys were in the texts before', () => {
  for (const [index, [source, other]] of confused.entries()) {
    const name = JSON.parse(`"${source}"`) as string;
    for (let round = 0; round < 3; round++) valueOf(`{"first${index}":1,${JSON.stringify(other)}:2}`);
    const text = `{"first${index}":1,"${source}":[{"${source}":1.0}],"last":12345678901234567890}`;
    const read = parseJson(Buffer.from(text), { depth: 16 });
    assert.ok(read.ok, text);
    assert.deepEqual(Object.keys(read.value as JsonObject), [`first${index}`, name, 'last']);
    assert.equal(
      JSON.stringify(read.value),
      text.replaceAll(`"${source}"`, () => JSON.stringify(name)),
    );
    const twice = `{"first${index}":1,"${source}":2,${JSON.stringify(name)}:3}`;
    assert.deepEqual(parseJson(Buffer.from(twice), { depth: 16 }), { ok: false, fault: 'duplicate-key' }, twice);
  }
});

test('a key with an escape obeys every rule of keys', () => {
  for (const [text, fault] of [
    ['{"__proto\\u005f_":1}', 'forbidden-key'],
    ['{"a":{"__proto\\u005f_":{"b":1}}}', 'forbidden-key'],
    ['{"\\q":1}', 'syntax'],
    ['{"a\\":1}', 'syntax'],
    ['{"\\ud800":1}', 'lone-surrogate'],
    ['{"\\u0061":1,"\\u0061":2}', 'duplicate-key'],
    ['{"\\n\n":1}', 'syntax'],
    ['["\\n":1]', 'syntax'],
  ] as const)
    assert.deepEqual(parseJson(Buffer.from(text), { depth: 4 }), { ok: false, fault }, text);
});

test('what the gateway wrote itself is read with every key as it was', () => {
  for (const [source, other] of confused) {
    const name = JSON.parse(`"${source}"`) as string;
    readOwnJson(`{"own":1,${JSON.stringify(other)}:2}`);
    const text = JSON.stringify({ own: 1, [name]: 12345678901, text: '\\' });
    assert.equal(JSON.stringify(readOwnJson(text)), text);
  }
});
