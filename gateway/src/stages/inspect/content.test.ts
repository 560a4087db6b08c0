/** What inspectors beside guardrails and masks let cross: types of content, URI schemes, structured content that fits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../../test/support/policy.ts';
import { type Road, type RoadOptions, result, roadOf } from '../../../test/support/road.ts';
import type { Reply } from '../../pipeline/exchange.ts';
import type { Json, JsonObject } from '../../protocol/json.ts';

const connection = (more: string): string => `- name: c
  from: { agent: a }
  to: s
  tools: [{ allow: "*" }]
  prompts: [{ allow: "*" }]
  resources: [{ allow: "*" }]
  ${more}`;

const outputSchema = {
  type: 'object',
  properties: { id: { type: 'string', pattern: '^[A-Z0-9]{20}$' }, count: { type: 'integer' } },
  required: ['id'],
};

async function answered(more: string, answer: JsonObject, options: RoadOptions = {}): Promise<[JsonObject, Road]> {
  const tools = [{ name: 'echo', inputSchema: { type: 'object' }, outputSchema }];
  const road = await roadOf(connection(more), { ...options, server: { tools, answer: () => result(answer) } });
  const { reply } = await road.send({ params: { name: 'echo', arguments: {} } });
  return [saidBy(reply), road];
}

function saidBy(reply: Reply): JsonObject {
  if (reply.kind !== 'text') return { refused: JSON.stringify(reply) };
  const { resultType: _type, ...result } = JSON.parse(reply.text) as JsonObject;
  return result;
}

const leftOut = { type: 'text', text: '[left out by the gateway: content of this type is not allowed]' };
const linkLeftOut = { type: 'text', text: '[left out by the gateway: links with this URI scheme are not allowed]' };

test('content of a type that is not listed is left out, with a note in its place', async () => {
  const text = { type: 'text', text: 'hi' };
  const blocks: readonly Json[] = [
    text,
    { type: 'image', data: 'AAAA', mimeType: 'image/png' },
    { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
    { type: 'resource_link', uri: 'https://example.org/', name: 'l' },
    { type: 'unheard-of' },
    'no block',
  ];
  const [{ content }, road] = await answered('content: [text, image]', { content: blocks });
  assert.deepEqual(content, [text, blocks[1], leftOut, leftOut, leftOut, leftOut]);
  assert.match(
    JSON.stringify(road.records.at(-1)?.end?.checks),
    /"content-types","part":"result","verdict":"left out ×4"/,
  );
  const [all] = await answered('', { content: blocks.slice(0, 4) });
  assert.deepEqual(all.content, blocks.slice(0, 4));
});

test('a link of a scheme that is not listed is left out, embedded resources and pages of input requests alike', async () => {
  const https = { type: 'resource_link', uri: 'HTTPS://example.org/', name: 'l' };
  const [{ content }] = await answered('schemes: https', {
    content: [
      https,
      { type: 'resource_link', uri: 'file:///etc/passwd', name: 'l' },
      { type: 'resource_link', uri: 'no scheme', name: 'l' },
      { type: 'resource', resource: { uri: 'data:text/html,x', text: 'x' } },
      { type: 'resource', resource: { uri: 'https://example.org/x', text: 'x' } },
    ],
  });
  assert.deepEqual(
    (content as Json[]).map((block) => (block as JsonObject).type),
    ['resource_link', 'text', 'text', 'text', 'resource'],
  );
  assert.deepEqual((content as Json[])[1], linkLeftOut);
});

test('prompts and resources are held to the same types', async () => {
  const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' };
  const road = await roadOf(connection('content: text'), {
    server: {
      prompts: [{ name: 'p' }],
      answer: ({ method }) =>
        result(
          method === 'prompts/get'
            ? { messages: [{ role: 'user', content: image }] }
            : {
                contents: [
                  { uri: 'x://1', text: 'hi' },
                  { uri: 'x://2', mimeType: 'image/png', blob: 'AAAA' },
                ],
              },
        ),
    },
  });
  const prompt = await road.send({ method: 'prompts/get', params: { name: 'p' } });
  assert.deepEqual(saidBy(prompt.reply), {
    messages: [{ role: 'user', content: leftOut }],
  });
  const read = await road.send({ method: 'resources/read', params: { uri: 'x://1' } });
  assert.deepEqual(saidBy(read.reply).contents, [
    { uri: 'x://1', text: 'hi' },
    { uri: 'x://2', mimeType: 'text/plain', text: leftOut.text },
  ]);
});

test('of several connections, what each of them lists may cross', async () => {
  const both = `${connection('content: [text, image]')}
- name: d
  from: { agent: a }
  to: s
  content: [image, audio]`;
  const road = await roadOf(both, {
    server: { answer: () => result({ content: [{ type: 'text', text: 'x' }, { type: 'image' }, { type: 'audio' }] }) },
  });
  const { reply } = await road.send({ params: { name: 'echo', arguments: {} } });
  assert.deepEqual(saidBy(reply).content, [leftOut, { type: 'image' }, leftOut]);
});

const id = 'Q7X2K9M4P8R3T6W1Z5BN';
const wrong = { content: [], structuredContent: { id: 'small', count: 1 } };

test('a result that does not meet the output schema is reported or withheld, as the operator says', async () => {
  const settings = (mode: string): RoadOptions => ({ serverSettings: `  outputSchema: ${mode}` });
  const [warned, road] = await answered('', wrong, settings('warn'));
  assert.deepEqual(warned, wrong);
  const verdictOf = ({ records }: Road): string => JSON.stringify(records.at(-1)?.end?.checks);
  assert.match(verdictOf(road), /"output-schema","part":"result","verdict":"does not fit"/);
  const [blocked, blocking] = await answered('', wrong, settings('block'));
  assert.match(JSON.stringify(blocked), /content-withheld/);
  assert.match(blocking.records.at(-1)?.end?.detail ?? '', /output schema: structuredContent\/id/);
  const right = { content: [], structuredContent: { id } };
  const [passed, fitting] = await answered('', right, settings('block'));
  assert.deepEqual(passed, right);
  assert.match(verdictOf(fitting), /"verdict":"fits"/);
  const [missing] = await answered('', { content: [] }, settings('block'));
  assert.match(JSON.stringify(missing), /content-withheld/);
  assert.deepEqual((await answered('', wrong))[0], wrong);
});

test('where a guardrail took out what the output schema asks for, the structured content goes', async () => {
  const guarded = `guardrails: { patterns: { ids: { patterns: ["[A-Z0-9]{20}"], action: redact } } }`;
  const [cut] = await answered(guarded, { content: [], structuredContent: { id, count: 1 } });
  assert.equal(cut.structuredContent, undefined);
  assert.equal(cut.isError, true);
  assert.match(JSON.stringify(cut.content), /left out by the gateway: the structured content/);
  const [kept] = await answered(guarded, { content: [{ type: 'text', text: id }], structuredContent: { id: 'x' } });
  assert.match(JSON.stringify(kept.content), /redacted/);
});

test('guardrails of a rule look at the calls that it names, and at no others', async () => {
  const rules = `- name: c
  from: { agent: [a, b] }
  to: s
  tools:
    - { allow: "*" }
    - { allow: "read_*", guardrails: { patterns: { words: { words: [falcon], action: redact } } } }
    - { allow: "write_*", when: 'caller.agent == "a"', guardrails: { request: { patterns: { words: { words: [falcon], action: block } } } } }`;
  const names = ['read_it', 'write_it', 'other'];
  const road = await roadOf(rules, {
    server: {
      tools: names.map((name) => ({ name, inputSchema: { type: 'object', properties: { text: { type: 'string' } } } })),
      answer: () => result({ content: [{ type: 'text', text: 'a falcon' }] }),
    },
  });
  const ask = async (name: string, agent = 'a') => {
    const { reply } = await road.send({ params: { name, arguments: { text: 'falcon' } }, caller: callerOf({ agent }) });
    return JSON.stringify(reply);
  };
  assert.match(await ask('read_it'), /a \[redacted: words/);
  assert.deepEqual(road.calls.at(-1)?.params.arguments, { text: '[redacted: words/connections.0.tools.1.words]' });
  assert.match(await ask('write_it'), /content-blocked/);
  assert.match(await ask('write_it', 'b'), /a falcon/);
  assert.match(await ask('other'), /a falcon/);
});
