/** One strange item of a list costs neither the process nor the list: names of members of every object, wrong types. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meta, modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { openSettings, startGateway } from '../harness.ts';

/** Members that every plain object has. */
const inherited = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'isPrototypeOf'];
const odd: readonly unknown[] = [null, 1, 'constructor', [], {}, true, ['x'], { constructor: 1 }, { toString: null }];
const keywords = ['$schema', '$id', '$ref', '$anchor', '$defs', 'type', 'properties', 'required', 'items', 'allOf'];
const more = ['pattern', 'patternProperties', 'format', 'enum', 'dependentRequired', 'additionalProperties'];

const strange = [
  ...inherited.map((name) => ({ name: `schema-${name}`, inputSchema: { $schema: name, type: 'object' } })),
  ...inherited.map((name) => ({ name, inputSchema: { type: 'object', properties: { [name]: { format: name } } } })),
  ...inherited.map((name) => ({ name: `ref-${name}`, inputSchema: { type: 'object', $ref: `#/${name}` } })),
  ...[...keywords, ...more].flatMap((keyword) =>
    odd.map((value, at) => ({ name: `${keyword}-${at}`, inputSchema: { type: 'object', [keyword]: value } })),
  ),
  ...[...keywords, ...more].flatMap((keyword) =>
    odd.map((value, at) => ({
      name: `inner-${keyword}-${at}`,
      inputSchema: { type: 'object', properties: { a: { [keyword]: value } } },
    })),
  ),
];

test('A3: strange items of one server leave the lists and the calls of all others as they are', async () => {
  await using hostile = await startWitness([{ name: 'first' }, ...strange, { name: 'last' }]);
  await using good = await startWitness([{ name: 'tool' }]);
  await using gateway = await startGateway(
    openSettings('client', { hostile: { url: hostile.url }, good: { url: good.url } }),
  );
  const ask = (url: string, method: string, name?: string, body?: string) =>
    sendRaw({
      url,
      headers: modernHeaders(method, name),
      body: body ?? JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: { _meta: meta } }),
    });
  const portal = `${gateway.mcp}/mcp`;
  for (const url of [portal, gateway.endpoint('hostile')]) {
    const listed = await ask(url, 'tools/list');
    assert.equal(listed.status, 200, listed.body);
    const { tools } = (listed.json?.result ?? { tools: [] }) as { tools: readonly { name: string }[] };
    const names = tools.map(({ name }) => name);
    for (const wanted of ['first', 'last'])
      assert.ok(
        names.some((name) => name.endsWith(wanted)),
        names.join(),
      );
    if (url === portal)
      assert.ok(
        names.some((name) => name.endsWith('tool')),
        names.join(),
      );
  }
  const calls = strange.slice(0, 100).map(async ({ name }) => {
    const called = await ask(gateway.endpoint('hostile'), 'tools/call', name, modernCall(name, { a: 'x' }));
    assert.equal(called.status, 200, `${name}: ${called.body}`);
  });
  await Promise.all(calls);
  const called = await ask(gateway.endpoint('good'), 'tools/call', 'tool', modernCall('tool'));
  assert.match(called.body, /the witness was called/);
  assert.equal(gateway.child.exitCode, null);
});
