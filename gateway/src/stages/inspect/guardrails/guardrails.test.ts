/** Guardrails on the whole road, in process: both directions, every action, and what the record says. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { cpuMs } from '../../../../test/support/cpu.ts';
import { callerOf } from '../../../../test/support/policy.ts';
import { type Road, result, roadOf } from '../../../../test/support/road.ts';
import type { Caller } from '../../../pipeline/contracts/caller.ts';
import type { Json, JsonObject } from '../../../protocol/json.ts';
import { pathsOf, textsOf, withTexts } from './texts.ts';

/** Of a format that is found, and never a real one. */
function madeUp(): string {
  const signs = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return `AKIA${Array.from({ length: 16 }, () => signs[randomInt(signs.length)]).join('')}`;
}

const key = madeUp();

const connection = (guardrails: string): string => `- name: c
  from: { agent: a }
  to: s
  guardrails: ${guardrails}
  tools: [{ allow: "*" }]
  requests: { elicitation: allow }`;

async function ask(road: Road, args: JsonObject = { text: 'hi' }) {
  const { reply, told } = await road.send({ params: { name: 'echo', arguments: args } });
  return { reply, told, shown: JSON.stringify([reply, told]) };
}

const say = (text: string): JsonObject => ({ content: [{ type: 'text', text }] });

test('what ships blocks a secret in arguments, before the server has the call', async () => {
  const road = await roadOf(connection('recommended'));
  const { reply, shown } = await ask(road, { text: `use ${key} for this` });
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'content-blocked');
  assert.equal(road.calls.length, 0);
  assert.ok(!shown.includes(key));
  const { facts, end } = road.records.at(-1) ?? {};
  assert.match(JSON.stringify(facts?.arguments), /^\{"text":"use \[redacted: secrets\/[\w-]+\] for this"\}$/);
  assert.ok(!JSON.stringify(road.records).includes(key));
  assert.match(end?.detail ?? '', /^block secrets\/[\w-]+ ×1 at \/text$/);
  assert.match(JSON.stringify(facts?.checks), /"name":"secrets@\d+","part":"arguments","verdict":"block [\w-]+ ×1"/);
  assert.deepEqual(
    road.findings.map(({ action, direction }) => [action, direction]),
    [['block', 'request']],
  );
});

test('what ships redacts a secret in a result, in text, structure and names, and says so to client and record', async () => {
  const answer = {
    content: [{ type: 'text', text: `the key is ${key}.` }],
    structuredContent: { keys: [key, 'none'], [key]: 1, count: 2 },
  };
  const road = await roadOf(connection('recommended'), { server: { answer: () => result(answer) } });
  const { reply, shown } = await ask(road);
  assert.equal(reply.kind, 'text');
  assert.ok(!shown.includes(key), shown);
  const { content, structuredContent, _meta } = JSON.parse((reply as { readonly text: string }).text) as {
    content: { text: string }[];
    structuredContent: JsonObject;
    _meta: JsonObject;
  };
  assert.match(content[0]?.text ?? '', /^the key is \[redacted: secrets\/[\w-]+\]\.$/);
  assert.equal(structuredContent.count, 2);
  assert.equal(Object.keys(structuredContent).length, 3);
  assert.match(JSON.stringify(_meta['sallyport/findings']), /"action":"redact","count":3/);
  const { end } = road.records.at(-1) ?? {};
  assert.match(JSON.stringify(end?.checks), /"part":"result","verdict":"redact [\w-]+ ×3"/);
  assert.ok(!JSON.stringify(road.records).includes(key));
});

test('a secret is found that is split over blocks, encoded, or disguised', async () => {
  const disguised: Readonly<Record<string, JsonObject>> = {
    split: { content: [say(`k=${key.slice(0, 9)}`), say(key.slice(9))].flatMap((each) => each.content as Json[]) },
    base64: say(Buffer.from(`the access key is ${key}`).toString('base64')),
    escaped: say(JSON.stringify(`x ${key}`).replace('AKIA', '\\u0041KIA')),
    'zero-width': say(key.split('').join('\u200b')),
  };
  for (const [name, answer] of Object.entries(disguised)) {
    const road = await roadOf(connection('{ secrets: redact }'), { server: { answer: () => result(answer) } });
    const { shown } = await ask(road);
    assert.match(shown, /redacted/, name);
    assert.ok(road.findings.length > 0, name);
  }
});

test('everything else that a server sends is looked at as well', async () => {
  const words = `with ${key} in it`;
  const road = await roadOf(connection('{ secrets: redact }'), {
    server: {
      facts: { info: { name: words, version: '1' }, instructions: words },
      tools: [
        { name: 'echo', description: words, inputSchema: { type: 'object', properties: { text: { title: words } } } },
      ],
      answer: (call) => {
        call.onNotification('notifications/progress', { progress: 1, message: words });
        call.onNotification('notifications/message', { level: 'info', data: { [words]: words } });
        return { kind: 'error', error: { code: -32_000, message: words, data: { words } } };
      },
    },
  });
  const meta = { progressToken: 1, 'io.modelcontextprotocol/logLevel': 'debug' };
  const called = await road.send({ params: { name: 'echo', arguments: { text: 'hi' }, _meta: meta } });
  const listed = await road.send({ method: 'tools/list', params: {} });
  const discovered = await road.send({ method: 'server/discover', params: {} });
  for (const { reply, told } of [called, listed, discovered]) {
    const text = reply.kind === 'pieces' ? reply.middle.toString() : JSON.stringify(reply);
    assert.match(text, /redacted/);
    assert.ok(!(text + JSON.stringify(told)).includes(key), text);
  }
  assert.equal(called.told.length, 2);
});

test('what a client says to the server in _meta is looked at, and the record keeps what was left of the arguments', async () => {
  const params = (value: string) => ({ name: 'echo', arguments: { text: 'hi' }, _meta: { 'com.example/note': value } });
  const blocking = await roadOf(connection('{ secrets: block }'));
  const { reply } = await blocking.send({ params: params(`see ${key}`) });
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'content-blocked');
  assert.equal(blocking.calls.length, 0);
  assert.ok(!JSON.stringify(blocking.records).includes(key));
  assert.deepEqual(blocking.records.at(-1)?.facts?.arguments, { text: 'hi' });
  const redacting = await roadOf(connection('{ secrets: redact }'));
  await redacting.send({ params: params(`see ${key}`) });
  assert.match(JSON.stringify(redacting.calls), /see \[redacted: secrets/);
  assert.ok(!JSON.stringify(redacting.calls).includes(key));
  await redacting.send({ params: params('see the wiki') });
  assert.match(JSON.stringify(redacting.calls.at(-1)), /see the wiki/);
});

test('with report the client is told what was found in call and result, and never the value', async () => {
  const road = await roadOf(connection('{ secrets: observe, pii: observe, report: true }'), {
    server: { answer: () => result(say(`mail dana@corp-mail.io and ${key}`)) },
  });
  const { shown } = await ask(road, { text: `use ${key}` });
  const { _meta } = JSON.parse((JSON.parse(shown) as { text: string }[])[0]?.text ?? '{}') as { _meta: JsonObject };
  const told = _meta['sallyport/findings'] as readonly { found: string; action: string; count: number; in?: string }[];
  assert.ok(
    told.some(
      ({ found, action, in: part }) => found.startsWith('secrets/') && action === 'observe' && part === 'arguments',
    ),
  );
  assert.ok(told.some(({ found, in: part }) => found === 'pii/email' && part === undefined));
  assert.ok(!JSON.stringify(told).includes(key));
  const quiet = await roadOf(connection('{ secrets: observe }'), { server: { answer: () => result(say(key)) } });
  assert.doesNotMatch((await ask(quiet)).shown, /sallyport\/findings/);
  const one = await roadOf(connection('{ request: { secrets: observe, report: true } }'));
  assert.match((await ask(one, { text: key })).shown, /sallyport\/findings/);
});

test('arguments of prompts, what is completed, and URIs are looked at as well', async () => {
  const server = { prompts: [{ name: 'p', arguments: [{ name: 'a' }, { name: 'b' }] }] };
  const more = `${connection('{ secrets: block }')}
  prompts: [{ allow: "*" }]
  resources: [{ allow: "*" }]`;
  for (const [method, params] of [
    ['prompts/get', { name: 'p', arguments: { a: key } }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: key } }],
    [
      'completion/complete',
      {
        ref: { type: 'ref/prompt', name: 'p' },
        argument: { name: 'a', value: '' },
        context: { arguments: { b: key } },
      },
    ],
    ['resources/read', { uri: `doc://a/${key}` }],
  ] as const) {
    const road = await roadOf(more, { server });
    const { reply } = await road.send({ method, params });
    assert.equal(
      reply.kind === 'refused' && reply.refusal.reason,
      'content-blocked',
      `${method} ${JSON.stringify(reply)}`,
    );
    assert.equal(road.calls.length, 0);
    const redacting = await roadOf(more.replace('block', 'redact'), { server });
    const redacted = await redacting.send({ method, params });
    assert.ok(!JSON.stringify(redacting.calls.map((call) => call.params)).includes(key), method);
    assert.equal(redacted.reply.kind === 'refused', method === 'resources/read');
  }
});

test('the strictest of several guardrails is taken, and an inner one loosens only what says so', async () => {
  const effectOf = async (outer: string, inner: string): Promise<string> => {
    const road = await roadOf(`- { name: d, from: { agent: a }, to: s, guardrails: ${outer}, tools: [{ allow: "*" }] }
${connection(inner)}`);
    await ask(road, { text: key });
    return road.findings.map(({ action }) => action).join();
  };
  assert.equal(await effectOf('{ secrets: observe }', '{ secrets: block }'), 'block');
  assert.equal(await effectOf('{ secrets: block }', '{ secrets: observe }'), 'block');
  assert.equal(await effectOf('{ secrets: redact }', '{ secrets: hold }'), 'hold');
  const loosened = async (overridable: boolean): Promise<string> => {
    const outer = `inspection: { guardrails: { secrets: { action: block, overridable: ${overridable} } } }`;
    const road = await roadOf(connection('{ secrets: warn }'), { settings: outer });
    await ask(road, { text: key });
    return road.findings.map(({ action }) => action).join();
  };
  assert.equal(await loosened(true), 'warn');
  assert.equal(await loosened(false), 'block');
});

test('words and patterns of the operator are found, without case and accents, and under their label', async () => {
  const road = await roadOf(
    connection(
      '{ patterns: { projects: { words: [falcon, Zürich], action: redact }, tickets: { patterns: ["T-[0-9]{4}"], action: observe } } }',
    ),
    {
      server: { answer: () => result(say('The FALCON flies to zurich with T-1234, not to falconry')) },
    },
  );
  const { reply } = await ask(road);
  assert.match(
    JSON.stringify(reply),
    /The \[redacted: [^\]]+\] flies to \[redacted: [^\]]+\] with T-1234, not to falconry/,
  );
  assert.deepEqual(road.findings.map((each) => `${each.action} ${each.class}`).toSorted(), [
    'observe connections.0.tickets',
    'redact connections.0.projects',
    'redact connections.0.projects',
  ]);
});

test('a value that stands beside others is cut out alone', async () => {
  const contact = 'ada.lovelace@analytical-engines.co.uk';
  const structuredContent = { name: 'falcon', contact, title: 'Build it' };
  const road = await roadOf(connection('{ pii: redact }'), {
    server: { answer: () => result({ content: [], structuredContent }) },
  });
  const { reply } = await ask(road);
  assert.match(JSON.stringify(reply), /falcon.{5,9}contact.{5,9}\[redacted: pii\/email\].{5,9}title.{5,9}Build it/);
});

test('one finding is switched off alone: by its value, its tool, or its place', async () => {
  const found = await roadOf(connection('{ secrets: observe }'));
  await ask(found, { text: key });
  assert.equal(found.findings.length, 1);
  for (const [except, args, isFound] of [
    ['tools: [echo]', { text: key }, false],
    ['tools: [other]', { text: key }, true],
    ['paths: [/text]', { text: key }, false],
    ['paths: [/other]', { text: key }, true],
  ] as const) {
    const road = await roadOf(connection(`{ secrets: { action: block, except: { ${except} } } }`));
    await ask(road, args);
    assert.equal(road.findings.length === 1, isFound, except);
  }
});

test('a value becomes a placeholder, the same each time, and comes back as the value for its owner and server alone', async () => {
  const replacing = `- name: c
  from: { anyone: true }
  to: s
  guardrails: { response: hidden }
  tools: [{ allow: "*" }]`;
  const open = (restore: string): Promise<Road> =>
    roadOf(replacing, { settings: `guardrails: { hidden: { secrets: replace${restore} } }`, server: { answer } });
  const answer = (): ReturnType<typeof result> => result(say(`key: ${key}`));
  const road = await open(', restore: s');
  const shownBy = async (caller: Caller): Promise<string> => {
    const { reply } = await road.send({ caller, params: { name: 'echo', arguments: { text: 'hi' } } });
    const [placeholder = ''] = /\[\[[\w-]+:[\w-]+\]\]/.exec(JSON.stringify(reply)) ?? [];
    assert.ok(placeholder !== '' && !JSON.stringify(reply).includes(key), JSON.stringify(reply));
    return placeholder;
  };
  const [a, b] = [callerOf({ agent: 'a' }), callerOf({ agent: 'b' })];
  const mine = await shownBy(a);
  assert.equal(await shownBy(a), mine);
  assert.notEqual(await shownBy(b), mine);
  const arrives = async (where: Road, caller: Caller, text: string): Promise<Json | undefined> => {
    await where.send({ caller, params: { name: 'echo', arguments: { text } } });
    const sent = where.calls.at(-1)?.params.arguments as JsonObject | undefined;
    return sent?.text;
  };
  assert.equal(await arrives(road, a, `use ${mine}!`), `use ${key}!`);
  assert.match(JSON.stringify(road.records.at(-1)?.facts.checks), /"placeholders".*"restored ×1"/);
  assert.equal(await arrives(road, b, mine), mine);
  assert.equal(await arrives(await open(''), a, mine), mine);
  for (const forged of [mine.replace(/:./, ':A'), mine.replace(/\[\[[\w-]+/, '[[other'), `${mine.slice(0, -6)}]]`])
    if (forged !== mine) assert.equal(await arrives(road, a, forged), forged);
});

test('long content is looked at beside the loop, to its end', async () => {
  const filler = 'An ordinary sentence about nothing at all. '.repeat(5_000);
  const road = await roadOf(connection('{ secrets: redact }'), {
    server: { answer: () => result(say(`${filler}${key}`)) },
  });
  const { shown } = await ask(road);
  assert.ok(!shown.includes(key));
  assert.match(shown, /redacted/);
});

test('what cannot be looked at whole is stopped, or let through where the guardrail says so', async () => {
  const huge = say('x y z '.repeat(1_500_000));
  for (const [options, kind] of [
    ['', 'refused'],
    [', onUnscanned: warn', 'text'],
  ] as const) {
    const road = await roadOf(connection(`{ secrets: redact${options} }`), { server: { answer: () => result(huge) } });
    const { reply } = await ask(road);
    assert.equal(reply.kind, kind);
    assert.match(JSON.stringify(road.records.at(-1)?.end?.checks), /not scanned: size/);
  }
});

test('both walks take the same order: with its own texts a message is what it was, and every path leads there', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const content = { content: value as Json, type: 'text', text: 'x' };
      const { values } = textsOf(content);
      assert.equal(JSON.stringify(withTexts(content, values, new Map())), JSON.stringify(content));
      for (const [index, text] of values.entries()) {
        const found = (pathsOf(content, new Set([index])).get(index) ?? []).reduce<Json | undefined>(
          (at, part) => (at as Record<string, Json> | undefined)?.[part],
          content,
        );
        assert.equal(typeof found === 'number' ? String(found) : found, text);
      }
    }),
  );
});

test('many findings in deep content cost no more than one walk, and a long number is a text like any other', async () => {
  let deep: Json = Array.from({ length: 20_000 }, () => '');
  for (let depth = 0; depth < 50; depth++) deep = [deep];
  const mails = Array.from({ length: 400 }, (_, at) => `ada${at}@lovelace.dev`);
  const road = await roadOf(connection('{ pii: observe }'), {
    server: { answer: () => result({ content: [], structuredContent: { deep, mails, card: 4_539_578_763_621_486 } }) },
  });
  const began = cpuMs();
  await ask(road);
  assert.ok(cpuMs() - began < 5_000, `${cpuMs() - began} ms`);
  assert.ok(road.findings.length > 300);
  const redacting = await roadOf(connection('{ pii: redact }'), {
    server: { answer: () => result({ content: [], structuredContent: { card: 4_539_578_763_621_486, count: 12 } }) },
  });
  const { shown } = await ask(redacting);
  assert.match(shown, /redacted: pii\/[\w-]*card/);
  assert.match(shown, /count\\?":12/);
});

test('a place that is told has no name in which something was found', async () => {
  const rule = '{ request: { secrets: hold, patterns: { birds: { words: [osprey], action: block } } } }';
  const road = await roadOf(connection(rule));
  const { reply, shown } = await ask(road, { [key]: { text: 'the osprey' } });
  assert.equal(reply.kind === 'refused' && reply.refusal.reason, 'content-blocked');
  assert.ok(!shown.includes(key), shown);
  assert.match(shown, /birds at \/\[secrets~1[\w-]+\]\/text/);
  assert.ok(!JSON.stringify(road.records).includes(key));
});
