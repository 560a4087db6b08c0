/** What servers allow the gateway, calls that are made once for several, and what clients are told of their limits. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { legacyHeaders, modernCallWith, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { clientKinds, openSession } from './clients.ts';
import { reload } from './faults/reload.ts';
import { type Gateway, type Settings, startGateway } from './harness.ts';

const input = { type: 'object', properties: { n: { type: 'number' } } };
const tools = ['search', 'update'].map((name) => ({ name, inputSchema: input }));
const made = 'the witness was called';

const settingsOf = (servers: Readonly<Record<string, object>>, more: object = {}): Settings => ({
  callers: { agents: Object.fromEntries(['a', 'b', ...clientKinds].map((name) => [name, {}])) },
  servers,
  connections: Object.keys(servers).map((to) => ({
    name: `to ${to}`,
    from: { anyone: true },
    to,
    tools: [{ allow: '*' }],
  })),
  ...more,
});

/** A witness for each test, all behind one gateway. */
const names = ['quota', 'coalescing', 'before', 'after', 'tiers', 'callers'] as const;
const witnesses = new Map<string, Witness>();
let gateway: Gateway;

const witnessOf = (name: (typeof names)[number]): Witness => witnesses.get(name) ?? assert.fail(name);

before(async () => {
  for (const name of names) witnesses.set(name, await startWitness(tools));
  const { url } = witnessOf('quota');
  const servers = {
    strict: { url, quota: { rate: '3/h' } },
    shaped: { url, quota: [{ name: 'upstream', rate: '600/min', burst: 1, queue: 8, wait: '30s' }] },
    free: { url },
    coalescing: {
      url: witnessOf('coalescing').url,
      tools: { search: { tier: 'read', coalesce: true }, update: { tier: 'write', coalesce: true } },
    },
    moving: { url: witnessOf('before').url, tools: { search: { tier: 'read', coalesce: true } } },
    tiers: {
      url: witnessOf('tiers').url,
      credential: { bearer: '${env:READS}' },
      credentials: [{ for: { tier: 'destructive' }, bearer: '${env:WRITES}' }],
      tools: { search: { tier: 'read' }, update: { tier: 'destructive' } },
    },
    callers: { url: witnessOf('callers').url, credential: { bearer: '${env:TOKEN}' } },
  };
  const env = { READS: 'reads-reads', WRITES: 'writes-writes', TOKEN: 'token-token' };
  gateway = await startGateway(settingsOf(servers), { env });
});
after(async () => {
  await gateway.stop();
  for (const witness of witnesses.values()) await witness[Symbol.asyncDispose]();
});

interface Asking {
  readonly server?: string;
  readonly tool?: string;
  readonly args?: object;
}

const send = (
  gateway: Gateway,
  key: string,
  { server = 's', tool = 'search', args = {} }: Asking = {},
): Promise<RawAnswer> =>
  sendRaw(modernCallWith({ url: gateway.endpoint(server), key, tool, params: { arguments: args } }));

async function call(...what: Parameters<typeof send>): Promise<string> {
  const { json, body } = await send(...what);
  const [content] = (json?.result?.['content'] ?? []) as { text?: string }[];
  return content?.text ?? body;
}

test('a quota lets through what the server allows; more waits in a queue, and is refused beyond it', async (t) => {
  const witness = witnessOf('quota');
  const [a, b] = [gateway.key('a'), gateway.key('b')];
  await t.test('refused, for all callers together, before it reaches the server', async () => {
    for (const key of [a, b, a]) assert.equal(await call(gateway, key, { server: 'strict' }), made);
    witness.forget();
    const refused = await call(gateway, b, { server: 'strict' });
    assert.match(
      refused,
      /^The server strict takes no more calls for now, and this one was not made\. Try again in \d+ minutes/,
    );
    assert.equal(witness.calls().length, 0);
    assert.equal(await call(gateway, b, { server: 'free' }), made);
    const found = await runCommandHere('audit', 'search', '--json', '--config', gateway.config);
    assert.match(found.stdout, /"reason": "server-limited"/);
    assert.match(found.stdout, /"name": "strict\/quota: 3\/h",\s*"verdict": "refused"/);
  });
  await t.test('shaped: calls of two callers wait for a tenth of a second each, in turns', async () => {
    // Each caller has a list of its own to wait for, which must not decide who comes first.
    for (const key of [a, b]) assert.equal(await call(gateway, key, { server: 'shaped' }), made);
    const order: string[] = [];
    const began = performance.now();
    const all = await Promise.all(
      [a, a, a, b, b].map(async (key) => {
        const text = await call(gateway, key, { server: 'shaped' });
        order.push(key === a ? 'a' : 'b');
        return text;
      }),
    );
    assert.deepEqual([...new Set(all)], [made]);
    assert.ok(performance.now() - began >= 380, 'four of them waited for each other');
    assert.notEqual(order.join(''), 'aaabb');
  });
  await t.test('a queue that is full, of which one caller has half', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, () => call(gateway, a, { server: 'shaped' })));
    const refused = all.filter((text) => text !== made);
    assert.ok(refused.length >= 5, `${refused.length}`);
    for (const text of refused)
      assert.match(text, /^The server shaped takes no more calls for now.* Try again in 1 second/);
  });
});

/** Looks again each time that something else has had its turn. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setImmediate();
}

/** Answers calls once `release` is called, and says how many came. */
function holding(witness: Witness): { readonly held: () => number; readonly release: () => void } {
  const waiting: (() => void)[] = [];
  let isOpen = false;
  let count = 0;
  witness.answer('search', (response, { message: { id } }) => {
    const result = { resultType: 'complete', content: [{ type: 'text', text: `answer ${++count}` }] };
    const answer = (): void => sendJson(response, { jsonrpc: '2.0', id, result });
    if (isOpen) answer();
    else waiting.push(answer);
  });
  return {
    held: () => waiting.length,
    release: () => {
      isOpen = true;
      for (const answer of waiting.splice(0)) answer();
    },
  };
}

test('identical calls of one caller to a tool that reads are made once while they are under way', async (t) => {
  const witness = witnessOf('coalescing');
  const server = 'coalescing';
  const [a, b] = [gateway.key('a'), gateway.key('b')];
  assert.equal(await call(gateway, a, { server, tool: 'update' }), made);
  witness.forget();
  const shared = async (): Promise<number> => {
    const text = await (await fetch(`${gateway.admin}/metrics`)).text();
    return Number(/sallyport_table_entries\{table="calls"\} (\d+)/.exec(text)?.[1]);
  };
  const underWay = async (count: number): Promise<void> => {
    while ((await shared()) !== count);
  };
  await t.test('one call at the server for five, and others for other arguments and callers', async () => {
    const { held, release } = holding(witness);
    const same = Array.from({ length: 5 }, () => call(gateway, a, { server, args: { n: 1 } }));
    const others = [call(gateway, a, { server, args: { n: 2 } }), call(gateway, b, { server, args: { n: 1 } })];
    await underWay(7);
    await until(() => held() >= 3);
    assert.equal(held(), 3);
    release();
    const answers = await Promise.all(same);
    assert.equal(new Set(answers).size, 1);
    assert.equal(new Set([...(await Promise.all(others)), ...answers]).size, 3);
    assert.match(await call(gateway, a, { server, args: { n: 1 } }), /answer 4/, 'the next one is made anew');
    assert.equal(witness.calls().length, 4);
  });
  await t.test('a client that goes leaves the call to the others', async () => {
    witness.forget();
    const { held, release } = holding(witness);
    const headers = { Authorization: `Bearer ${a}` };
    await using leaving = await openSession('sdk2-modern', { url: gateway.endpoint(server), headers });
    const gone = new AbortController();
    const first = leaving.call('search', { n: 9 }, { signal: gone.signal });
    first.catch(() => {});
    await underWay(1);
    const second = call(gateway, a, { server, args: { n: 9 } });
    await underWay(2);
    gone.abort();
    await underWay(1);
    release();
    assert.match(await second, /^answer \d$/);
    assert.ok(held() === 0 && witness.calls().length <= 2);
  });
  await t.test('a tool that writes is called each time', async () => {
    witness.forget();
    await Promise.all(Array.from({ length: 4 }, () => call(gateway, a, { server, tool: 'update' })));
    assert.equal(witness.calls().length, 4);
  });
  await t.test('metrics count them', async () => {
    const text = await (await fetch(`${gateway.admin}/metrics`)).text();
    assert.match(text, /sallyport_coalesced_calls_total\{server="coalescing"\} [45]/);
  });
  await t.test('each has its record, which says with which one it was made', async () => {
    const found = await runCommandHere('audit', 'search', '--json', '--config', gateway.config);
    assert.ok((found.stdout.match(/"name": "coalesce"/g)?.length ?? 0) >= 4, found.stdout.slice(0, 2_000));
  });
});

test('RateLimit headers say what the limits of a call have left, where the configuration wants it', async (t) => {
  await using witness = await startWitness(tools);
  const limits = [
    { name: 'every "one"', per: 'caller', rate: '60/min', burst: 3 },
    { per: 'caller', calls: '100/day' },
    { name: 'größe', per: 'caller', bytes: '1MB/h', direction: 'request' },
    { name: 'at once', per: 'caller', concurrency: 4 },
    { name: 'money', per: 'caller', cost: '5/day' },
    { name: 'trial', mode: 'observe', rate: '1/min' },
  ];
  const listen = { mcp: { port: 0, rateLimitHeaders: true }, admin: { port: 0 } };
  const server = { url: witness.url, tools: { priced: { cost: 1 } } };
  await using gateway = await startGateway(settingsOf({ s: server }, { limits, listen }));
  const key = gateway.key('a');
  const first = await send(gateway, key);
  assert.equal(
    first.headers.get('ratelimit-policy'),
    String.raw`"every \"one\"";q=3;w=3, "100/day per caller";q=100;w=86400, "gr??e";q=1000000;qu="content-bytes";w=3600, "at once";q=4;qu="concurrent-requests"`,
  );
  assert.match(
    first.headers.get('ratelimit') ?? '',
    /^"every \\"one\\"";r=2;t=1, "100\/day per caller";r=99;t=86400, "gr\?\?e";r=999\d{3};t=3600, "at once";r=3$/,
  );
  for (let at = 0; at < 2; at++) await send(gateway, key);
  const refused = await send(gateway, key);
  assert.match(refused.headers.get('ratelimit') ?? '', /^"every \\"one\\"";r=0;t=[123], "100\/day per caller";r=97/);
  await t.test('of a legacy session too', async () => {
    const headers = [...legacyHeaders, ['Authorization', `Bearer ${gateway.key('b')}`]] as const;
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'search', arguments: {} },
    });
    const answer = await sendRaw({ url: gateway.endpoint('s'), headers, body });
    assert.match(answer.headers.get('ratelimit') ?? '', /^"every \\"one\\"";r=2/);
  });
  await t.test('not of what is denied or does not exist, and not without the setting', async () => {
    assert.equal((await send(gateway, key, { tool: 'nothing' })).headers.get('ratelimit'), undefined);
    await using silent = await startGateway(settingsOf({ s: server }, { limits }));
    assert.equal((await send(silent, silent.key('a'))).headers.get('ratelimit'), undefined);
  });
});

test('a call is not made once with one that goes to the server of before a reload', async () => {
  const key = gateway.key('a');
  const server = 'moving';
  const { held, release } = holding(witnessOf('before'));
  const first = call(gateway, key, { server });
  await until(() => held() === 1);
  await reload(gateway, ({ servers }) => {
    const { moving } = servers as { moving: { url: string } };
    moving.url = witnessOf('after').url;
  });
  assert.equal(await call(gateway, key, { server }), made);
  assert.equal(witnessOf('after').calls().length, 1);
  release();
  assert.equal(await first, 'answer 1');
});

test('a server that had enough of the credential of one tier takes calls with the other one', async () => {
  const witness = witnessOf('tiers');
  const server = 'tiers';
  witness.answer('update', (response) => void response.writeHead(429, { 'Retry-After': '60' }).end());
  const key = gateway.key('a');
  const refused = /^The server tiers takes no more calls for now/;
  assert.match(await call(gateway, key, { server, tool: 'update' }), refused);
  assert.equal(await call(gateway, key, { server }), made);
  witness.forget();
  assert.match(await call(gateway, key, { server, tool: 'update' }), refused);
  assert.deepEqual(witness.calls(), []);
});

test('a server that had enough of one caller takes calls of others, until it has enough of a second one', async () => {
  const witness = witnessOf('callers');
  const server = 'callers';
  witness.answer('update', (response) => void response.writeHead(429, { 'Retry-After': '3600' }).end());
  const [a, b, c] = [gateway.key('a'), gateway.key('b'), gateway.key('sdk1')];
  const refused = /^The server callers takes no more calls for now/;
  assert.match(await call(gateway, a, { server, tool: 'update' }), refused);
  assert.match(await call(gateway, a, { server }), refused);
  assert.equal(await call(gateway, b, { server }), made);
  assert.match(await call(gateway, a, { server }), refused);
  assert.match(await call(gateway, b, { server, tool: 'update' }), refused);
  witness.forget();
  for (const key of [a, b, c]) assert.match(await call(gateway, key, { server }), refused);
  assert.deepEqual(witness.calls(), []);
});
