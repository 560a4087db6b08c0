/** The tier and the tags of tools, by what their definitions say. `npm run tiers` measures them on tools of public servers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../protocol/json.ts';
import { classify } from './classify.ts';

function tool(name: string, description = '', more: JsonObject = {}): JsonObject {
  return { name, description, inputSchema: { type: 'object' }, ...more };
}

function withArguments(name: string, description: string, ...args: readonly string[]): JsonObject {
  const properties = Object.fromEntries(args.map((arg) => [arg, { type: 'string' }]));
  return { name, description, inputSchema: { type: 'object', properties } };
}

test('a verb in the name or at the beginning of the description tells the tier', () => {
  const cases: readonly (readonly [JsonObject, string])[] = [
    [tool('get_file'), 'read'],
    [tool('listFiles', 'Lists files'), 'read'],
    [tool('updateFile'), 'write'],
    [tool('pods_delete'), 'destructive'],
    [tool('x', 'This tool will permanently remove all pages.'), 'destructive'],
    [tool('get_and_delete'), 'destructive'],
    [tool('get_report', 'Gets the report, then deletes it'), 'destructive'],
    [tool('get_report', 'Gets the report. Does not delete anything'), 'read'],
    [tool('list_deleted_files', 'Lists files that were deleted'), 'read'],
    [tool('frobnicate'), 'write'],
    [tool('store', 'Stores a text; what was there is overwritten'), 'destructive'],
    [tool('API-post-search', 'Search by title'), 'read'],
    [tool('do', 'DELETE /v1/pages/{id}'), 'destructive'],
    [tool('de\u200blete_file'), 'destructive'],
    [tool('ｄｅｌｅｔｅ'), 'destructive'],
  ];
  for (const [definition, tier] of cases) assert.equal(classify(definition).tier, tier, JSON.stringify(definition));
});

test('verbs of other languages count', () => {
  for (const [name, description] of [
    ['konto_löschen', ''],
    ['a', 'Löscht ein Konto'],
    ['b', 'Supprime un fichier'],
    ['c', 'Elimina una factura'],
    ['d', 'Exclui um pedido'],
    ['e', 'Удаляет файл'],
    ['f', '删除一条记录'],
    ['g', 'レコードを削除します'],
    ['h', '레코드를 삭제합니다'],
  ] as const)
    assert.equal(classify(tool(name, description)).tier, 'destructive', `${name} ${description}`);
  assert.equal(classify(tool('x', '查询订单')).tier, 'read');
  assert.equal(classify(tool('auflisten', 'Listet alle Konten auf')).tier, 'read');
});

test('values of an argument can raise a tier', () => {
  const manage = (values: readonly string[]): JsonObject =>
    tool('manage_user', 'Manages a user', {
      inputSchema: { type: 'object', properties: { action: { type: 'string', enum: values } } },
    });
  assert.equal(classify(manage(['get', 'create'])).tier, 'write');
  assert.equal(classify(manage(['get', 'delete'])).tier, 'destructive');
});

test('annotations raise a tier, and lower it only where the operator trusts the server', () => {
  const annotated = (name: string, annotations: JsonObject): JsonObject => tool(name, '', { annotations });
  const tierOf = (name: string, annotations: JsonObject, trust?: 'own' | 'partner' | 'third-party'): string =>
    classify(annotated(name, annotations), trust).tier;
  assert.equal(tierOf('get_file', { destructiveHint: true }), 'destructive');
  assert.equal(tierOf('get_file', { readOnlyHint: false }), 'write');
  for (const name of ['delete_file', 'frobnicate'])
    assert.notEqual(tierOf(name, { readOnlyHint: true, destructiveHint: false }), 'read', 'a third party');
  assert.equal(tierOf('delete_file', { readOnlyHint: true }), 'destructive');
  assert.equal(tierOf('frobnicate', { readOnlyHint: true }, 'partner'), 'read');
  assert.equal(tierOf('delete_file', { readOnlyHint: true }, 'partner'), 'destructive', 'against its own name');
  assert.equal(tierOf('delete_file', { readOnlyHint: true }, 'own'), 'read');
  assert.equal(tierOf('delete_file', { destructiveHint: false }, 'own'), 'write');
  assert.equal(tierOf('get_file', { readOnlyHint: true, destructiveHint: true }, 'own'), 'destructive');
});

test('what runs code of the caller is destructive, and a promise to read only makes it no reading tool', () => {
  const sql = withArguments('query', 'Run a read-only SQL query', 'sql');
  assert.equal(classify(sql).tier, 'write');
  assert.equal(classify(sql, 'partner').tier, 'read');
  for (const definition of [
    withArguments('run_command', 'Run a command', 'command'),
    withArguments('get_data', 'Gets data', 'sql'),
    withArguments('exec', 'Execute a shell command', 'command'),
  ]) {
    const { tier, tags } = classify(definition);
    assert.equal(tier, 'destructive');
    assert.ok(tags.includes('execution'));
  }
  assert.deepEqual(classify(tool('run_workflow', 'Run a workflow')).tags, []);
});

test('tags tell what a tool reaches', () => {
  const cases: readonly (readonly [JsonObject, readonly string[]])[] = [
    [withArguments('write_file', 'Writes a file', 'path', 'content'), ['filesystem-write']],
    [withArguments('fetch', 'Fetches a page', 'url'), ['network']],
    [withArguments('send_email', 'Sends an email', 'to', 'body'), ['messaging', 'personal-data']],
    [withArguments('create_refund', 'Refunds a payment', 'amount'), ['payment']],
    [withArguments('get_secret', 'Gets a secret', 'name'), ['credentials']],
    [withArguments('read_file', 'Reads a file', 'path'), []],
  ];
  for (const [definition, tags] of cases) assert.deepEqual(classify(definition).tags, tags, JSON.stringify(definition));
});

test('any definition has a tier, whatever stands in it', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('name', 'title', 'description', 'inputSchema', 'annotations'), fc.jsonValue()),
      (any) => {
        const { tier, confidence, reason } = classify(any as JsonObject);
        assert.ok(['read', 'write', 'destructive'].includes(tier) && confidence <= 1 && reason !== '');
      },
    ),
  );
});

test('a long text takes no longer than its bound', () => {
  const long = (times: number): number => {
    const definition = tool('x'.repeat(1_000), "Deletes the and, or not. aaaa’bbbb don't ".repeat(times));
    for (let round = 0; round < 20; round++) classify(definition);
    const began = performance.now();
    for (let round = 0; round < 20; round++) classify(definition);
    return performance.now() - began;
  };
  const short = long(100);
  assert.ok(long(100_000) < short * 20 + 50, 'four million characters as fast as four thousand');
});
