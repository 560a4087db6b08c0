/** The way back: everything that a server says passes the inspectors before a client gets it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { result, roadOf } from '../../test/support/road.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Inspector } from './contracts/inspector.ts';
import type { Step } from './contracts/upstream.ts';

const everything = `- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*" }], resources: [{ allow: "*" }], requests: { elicitation: allow } }`;
const secret = 'tok-1234567890';

/** A toy in one object: notes what passes, and marks every text that it can reach. */
function marking(seen: string[], late: 'at once' | 'late'): Inspector {
  const mark = (content: object): object =>
    JSON.parse(JSON.stringify(content).replaceAll('server', 'S3RVER')) as object;
  return {
    id: 'toy',
    summary: 'Marks a word.',
    outbound: ({ kind, content }) => {
      seen.push(kind);
      const verdict = { change: mark(content) };
      return late === 'late' ? turn().then(() => verdict) : verdict;
    },
  };
}

const inputRequired = (seen: JsonObject[]): Step => ({
  kind: 'input-required',
  requests: { form: { method: 'elicitation/create', params: { message: `the server asks ${secret}` } } },
  resume: { kind: 'parked' },
  answer: async (responses) => {
    seen.push(responses);
    return result({ content: [{ type: 'text', text: `server ${JSON.stringify(responses.form)}` }] });
  },
  detach: () => {},
  abandon: () => {},
});

const checking: Inspector = {
  id: 'toy',
  summary: 'Changes answers.',
  inbound: ({ kind, content }) => (kind === 'answer' ? { change: { ...content, checked: true } } : undefined),
};

const modern = { era: 'modern', capabilities: { elicitation: {} } } as const;
const legacy = { era: 'legacy', version: '2025-11-25', capabilities: { elicitation: {} } } as const;

for (const late of ['at once', 'late'] as const)
  test(`everything that a server says passes an inspector that answers ${late}, in order, and without our secrets`, async () => {
    const seen: string[] = [];
    const words = `the server says ${secret}`;
    const road = await roadOf(everything, {
      inspectors: [marking(seen, late)],
      server: {
        secrets: [secret],
        facts: { info: { name: words, version: '1' }, instructions: words },
        tools: [{ name: 'echo', description: words, inputSchema: { type: 'object', properties: { text: {} } } }],
        answer: (call) => {
          for (const step of [1, 2, 3])
            call.onNotification('notifications/progress', { progress: step, message: words });
          return result({ content: [{ type: 'text', text: words }] });
        },
      },
    });
    const hidden = 'the S3RVER says (hidden)';
    const params = { name: 'echo', arguments: { text: 'hi' }, _meta: { progressToken: 7 } };
    const { reply, told } = await road.send({ params });
    assert.equal(reply.kind === 'text' && reply.text.includes(hidden), true);
    assert.equal(road.records[0]?.end?.resultText, reply.kind === 'text' ? reply.text : '');
    assert.deepEqual(
      told.map(({ params: { progress, message } }) => [progress, message]),
      [1, 2, 3].map((step) => [step, hidden]),
    );
    const list = (await road.send({ method: 'tools/list', params: {} })).reply;
    assert.equal(list.kind === 'pieces' && list.middle.toString().includes(hidden), true);
    const hello = (await road.send({ method: 'server/discover', params: {} })).reply;
    assert.equal(hello.kind === 'text' && hello.text.split(hidden).length, 3);
    assert.deepEqual([...new Set(seen)].toSorted(), ['definition', 'notification', 'result', 'server-info']);
  });

test('an error of a server passes, and the record has it as the client gets it', async () => {
  const road = await roadOf(everything, {
    server: {
      secrets: [secret],
      answer: () => ({ kind: 'error', error: { code: -1, message: secret, data: { secret } } }),
    },
  });
  const { reply } = await road.send({});
  assert.deepEqual(reply, { kind: 'error', error: { code: -1, message: '(hidden)', data: { secret: '(hidden)' } } });
  assert.deepEqual(road.records[0]?.end?.error, { code: -1, message: '(hidden)' });
});

test('what a server asks passes on its way to a legacy client, and what the client answers on its way back', async () => {
  const [answers, asked]: [JsonObject[], unknown[]] = [[], []];
  const road = await roadOf(everything, {
    inspectors: [checking],
    server: { secrets: [secret], answer: () => inputRequired(answers) },
  });
  await road.send({
    client: legacy,
    requestInput: async (_method, params) => {
      asked.push(params);
      return { ok: true, result: { action: 'accept' } };
    },
  });
  assert.deepEqual(asked, [{ message: 'the server asks (hidden)' }]);
  assert.deepEqual(answers, [{ form: { action: 'accept', checked: true } }]);
});

test('what a server asks passes on its way to a modern client, and what the client answers on its way back', async () => {
  const answers: JsonObject[] = [];
  const road = await roadOf(everything, {
    inspectors: [checking],
    server: { secrets: [secret], answer: () => inputRequired(answers) },
  });
  const { reply } = await road.send({ client: modern });
  const first = JSON.parse(reply.kind === 'text' ? reply.text : '{}') as {
    requestState: string;
    inputRequests: unknown;
  };
  assert.deepEqual(first.inputRequests, {
    form: { method: 'elicitation/create', params: { message: 'the server asks (hidden)' } },
  });
  const params = { name: 'echo', arguments: { text: 'hi' }, requestState: first.requestState };
  await road.send({ client: modern, params: { ...params, inputResponses: { form: { action: 'accept' } } } });
  assert.deepEqual(answers, [{ form: { action: 'accept', checked: true } }]);
});

test('an inspector that fails lets nothing through', async () => {
  for (const outbound of [() => Promise.reject(new Error('toy')), (): never => assert.fail('toy')]) {
    const toy: Inspector = { id: 'toy', summary: 'Fails.', outbound };
    const road = await roadOf(everything, {
      inspectors: [toy],
      server: {
        tools: [{ name: 'echo', inputSchema: { type: 'object' } }],
        answer: (call) => {
          call.onNotification('notifications/progress', { progress: 1 });
          return result({ content: [] });
        },
      },
    });
    const { reply, told } = await road.send({ params: { name: 'echo', _meta: { progressToken: 1 } } });
    assert.equal(reply.kind, 'refused');
    assert.deepEqual(told, []);
    assert.equal(road.records.length, 1);
  }
});

test('a secret in the key of an input request withholds it, and the call that asked is given up', async () => {
  let abandoned = 0;
  const asked = inputRequired([]) as Step & { kind: 'input-required' };
  const answer = (): Step => ({
    ...asked,
    requests: { [secret]: { method: 'elicitation/create', params: {} } },
    abandon: () => void abandoned++,
  });
  const road = await roadOf(everything, { server: { secrets: [secret], answer } });
  const { reply } = await road.send({ client: modern });
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'content-withheld');
  assert.equal(abandoned, 1);
});

test('instructions are cut after the secrets in them are hidden', async () => {
  const instructions = `${'x'.repeat(16_384 - 10)}${secret}`;
  const road = await roadOf(everything, { server: { secrets: [secret], facts: { instructions } } });
  const { reply } = await road.send({ method: 'server/discover', params: {} });
  assert.equal(reply.kind === 'text' && reply.text.includes(secret.slice(0, 8)), false);
});
