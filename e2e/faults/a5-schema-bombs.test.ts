/** Schemas and arguments that are dear to compare hold the gateway for moments only, and are refused with a reason. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileSchema, type SchemaOptions } from '../../gateway/src/catalog/schema.ts';
import type { JsonObject } from '../../gateway/src/protocol/json.ts';
import { cpuMs } from '../../gateway/test/support/cpu.ts';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { openSettings, startGateway } from '../harness.ts';
import { atTheBounds, bombs } from './schema-bombs.ts';
import { mainThreadMsOf } from './stall.ts';

/** Milliseconds of CPU. The worst case is meant to take 50; the faults took 4,000 to 13,000. */
const generous = 1_500;

const options: SchemaOptions = { limit: 256 * 1024, members: 'named', formats: 'assert' };

test('A5: (unit) every kind of schema bomb ends soon', () => {
  for (const { name, schema, args } of bombs) {
    const began = cpuMs();
    const compiled = compileSchema(structuredClone(schema) as JsonObject, options);
    if (compiled.ok) compiled.validate(args as JsonObject);
    const ms = cpuMs() - began;
    assert.ok(ms < generous, `${name}: ${ms} ms`);
  }
});

/** Milliseconds of CPU time. Each takes less than 50 on a quiet machine; without the bounds some took 150 to 700. */
const maxCpu = 250;

test('A5: (unit) reading a schema and checking arguments take moments at their bounds', () => {
  for (const { name, schema, args } of [...atTheBounds, ...bombs.filter(({ name }) => !name.startsWith('format'))]) {
    const before = cpuMs();
    const compiled = compileSchema(structuredClone(schema) as JsonObject, { ...options, trials: { left: 60_000 } });
    const between = cpuMs();
    if (compiled.ok) compiled.validate(args as JsonObject);
    const [reading, checking] = [between - before, cpuMs() - between];
    assert.ok(reading < maxCpu && checking < maxCpu, `${name}: ${reading} ms and ${checking} ms`);
  }
});

test('A5: (unit) nothing of a schema can be referred to by another', () => {
  const inner: JsonObject = { type: 'object', $defs: { n: { $id: 'https://a.example/n', type: 'number' } } };
  assert.ok(compileSchema(inner, options).ok);
  const other: JsonObject = { type: 'object', properties: { a: { $ref: 'https://a.example/n' } } };
  assert.equal(compileSchema(other, options).ok, false);
});

test('A5: a server with schema bombs does not hold up the callers of another', async () => {
  const some = bombs.filter(
    ({ name, args }) =>
      (!name.startsWith('format') || name.endsWith(' a')) && JSON.stringify(args).length < 3 * 1024 * 1024,
  );
  await using hostile = await startWitness(some.map(({ schema }, at) => ({ name: `bomb-${at}`, inputSchema: schema })));
  await using good = await startWitness([{ name: 'tool' }]);
  await using gateway = await startGateway(
    openSettings('client', { hostile: { url: hostile.url }, good: { url: good.url } }),
  );
  const small = () =>
    sendRaw({
      url: gateway.endpoint('good'),
      headers: modernHeaders('tools/call', 'tool'),
      body: modernCall('tool'),
    });
  assert.match((await small()).body, /the witness was called/);
  const over = new AbortController();
  let longest = 0;
  const others = (async () => {
    while (!over.signal.aborted) {
      const began = await mainThreadMsOf(gateway.pid);
      assert.equal((await small()).status, 200);
      longest = Math.max(longest, (await mainThreadMsOf(gateway.pid)) - began);
    }
  })();
  const attack = async () => {
    for (const [at, { name, args }] of some.entries()) {
      const answer = await sendRaw({
        url: gateway.endpoint('hostile'),
        headers: modernHeaders('tools/call', `bomb-${at}`),
        body: modernCall(`bomb-${at}`, args),
        within: 30_000,
      });
      assert.notEqual(answer.status, 0, name);
    }
  };
  await Promise.all([others, attack().finally(() => over.abort())]);
  assert.ok(longest < generous, `another caller waited for ${longest} ms of work`);
});
