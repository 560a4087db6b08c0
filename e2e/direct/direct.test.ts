/**
 * As direct: what a client sees of a server through the gateway is what it sees without it, save for the list in
 * `differences.ts`. Real servers, and servers by hand that have the habits of other SDKs.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { otherProgram } from '../faults/other-program.ts';
import type { Era } from '../fixtures/other/core.ts';
import { type HttpBehaviour, OtherServer } from '../fixtures/other/http.ts';
import { fixtureCommand, openSettings, startFixture, startGateway } from '../harness.ts';
import { npmServers } from '../npm-servers.ts';
import { comparable, differences } from './differences.ts';
import { record, type Step, type Target } from './recording.ts';

interface Subject {
  readonly name: string;
  readonly entry: object;
  readonly target: Target;
  readonly eras: readonly Era[];
  readonly steps: readonly Step[];
}

const both: readonly Era[] = ['legacy', 'modern'];

/** Schemas as the SDKs of other languages write them, with a call of each. */
const schemas = {
  dates: { type: 'object', properties: { at: { type: 'string', format: 'date-time' } } },
  ids: {
    type: 'object',
    properties: { id: { type: 'string', format: 'uuid' }, upstream: { type: 'string', format: 'uri' } },
  },
  prices: { type: 'object', properties: { price: { type: 'number', multipleOf: 0.01 } } },
  names: { type: 'object', properties: { constructor: { type: 'string' }, toString: { type: 'number' } } },
  draft4: {
    $schema: 'http://json-schema.org/draft-04/schema#',
    id: 'http://example.org/draft4',
    type: 'object',
    properties: { n: { type: 'number', minimum: 0, exclusiveMinimum: true } },
  },
  draft7: {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }] } },
    definitions: { unused: {} },
  },
  draft2019: {
    $schema: 'https://json-schema.org/draft/2019-09/schema',
    type: 'object',
    properties: { a: { $ref: '#/$defs/one' } },
    $defs: { one: { type: 'integer' } },
  },
  nullable: { type: 'object', properties: { a: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null } } },
} as const;

const steps: readonly Step[] = [
  { tool: 'echo', args: { a: 1 } },
  { tool: 'echo', args: { a: { deep: [null, true, 'é', 1.5, -0.25] } } },
  { tool: 'fail', args: { a: 'a failure of the server' } },
  { tool: 'ask_form' },
  { tool: 'ask_model' },
  { tool: 'ask_roots' },
  { tool: 'dates', args: { at: '2026-11-28T10:00:00' } },
  { tool: 'ids', args: { id: '0af7651916cd43dd8448eb211c80319c', upstream: 'http://example.org/ü' } },
  { tool: 'prices', args: { price: 19.99 } },
  { tool: 'names', args: { constructor: 'x', toString: 1 } },
  { tool: 'draft4', args: { n: 0.5 } },
  { tool: 'draft7', args: { pair: ['a', 1] } },
  { tool: 'draft2019', args: { a: 3 } },
  { tool: 'nullable', args: { a: null } },
];

const behaviours: Readonly<Record<string, HttpBehaviour>> = {
  'dual-json': { eras: 'dual' },
  'dual-events': { eras: 'dual', answers: 'events' },
  'legacy-stateful': { eras: 'legacy', answers: 'events' },
  'legacy-stateless': { eras: 'legacy', stateless: true },
  'legacy-odd-events': { eras: 'legacy', answers: 'events', oddEvents: true },
  'legacy-empty-cursor': { eras: 'legacy', listMembers: { nextCursor: '' } },
  'legacy-redirected': { eras: 'legacy', redirect: { status: 307, to: '/mcp/' } },
  'legacy-silent-changes': { eras: 'legacy', capabilities: { tools: { listChanged: true } } },
  'modern-json': { eras: 'modern' },
};

async function subjects(folder: string, resources: AsyncDisposableStack): Promise<readonly Subject[]> {
  const found: Subject[] = [];
  for (const [name, behaviour] of Object.entries(behaviours)) {
    const server = resources.use(await new OtherServer({ ...behaviour, schemas }).listen());
    const eras = both.filter((era) => server.core.speaks(era));
    found.push({ name: `other-${name}`, entry: { url: server.url }, target: { url: server.url }, eras, steps });
  }
  for (const eras of ['dual', 'legacy', 'modern'] as const) {
    const { command } = resources.use(await otherProgram({ eras, schemas }));
    const spoken = both.filter((era) => eras === 'dual' || eras === era);
    found.push({ name: `program-${eras}`, entry: { command }, target: { command }, eras: spoken, steps });
    const fixture = resources.use(await startFixture(eras));
    const own: readonly Step[] = [
      { tool: 'test_simple_text' },
      { tool: 'test_image_content' },
      { tool: 'test_multiple_content_types' },
      { tool: 'test_error_handling' },
      { tool: 'test_tool_with_progress' },
      { tool: 'test_elicitation', args: { message: 'who?' } },
      { tool: 'test_elicitation', args: { wrong: 1 } },
      { tool: 'ask_roots' },
    ];
    const { url } = fixture;
    found.push({ name: `fixture-${eras}`, entry: { url }, target: { url }, eras: spoken, steps: own });
    const line = fixtureCommand(eras);
    found.push({
      name: `fixture-stdio-${eras}`,
      entry: { command: line },
      target: { command: line },
      eras: spoken,
      steps: own,
    });
  }
  for (const { name, entry, errand } of await npmServers(folder, resources)) {
    const { url, command, env } = entry as {
      url?: string;
      command?: readonly [string, ...string[]];
      env?: Record<string, string>;
    };
    const target: Target =
      command === undefined
        ? { url: String(url), isSse: name.endsWith('-sse') }
        : { command, env: { PATH: String(process.env.PATH), ...env } };
    const eras: readonly Era[] = name.startsWith('dbhub') ? both : ['legacy'];
    found.push({ name, entry, target, eras, steps: [{ tool: errand.tool, args: errand.args }] });
  }
  return found;
}

test('each difference stands in the documentation', async () => {
  const guide = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'clients.md'), 'utf8');
  for (const { reason } of differences) assert.ok(guide.includes(`- ${reason}\n`), reason);
});

test('through the gateway a server is as it is direct', async (t) => {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-direct-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const all = await subjects(folder, resources);
  const gateway = resources.use(
    await startGateway(openSettings('direct', Object.fromEntries(all.map(({ name, entry }) => [name, entry])))),
  );
  for (const { name, target, eras, steps: script } of all)
    for (const era of eras)
      await t.test(`${name}, ${era}`, async () => {
        const direct = await record(target, era, script);
        const through = await record({ url: gateway.endpoint(name) }, era, script);
        assert.deepEqual(comparable(through), comparable(direct));
      });
});
