/** Limits through a running gateway: every kind of client, both transports and endpoints, the record, and a killed process. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { legacyHeaders, meta, modernCallWith, modernHeaders, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { clientKinds, openSession } from './clients.ts';
import { reload } from './faults/reload.ts';
import { type Gateway, gatewayFile, type Settings, startGateway } from './harness.ts';
import { patienceMs } from './process.ts';

const tools = ['search', 'update', 'drop'].map((name) => ({ name }));

const callers = { agents: Object.fromEntries(['a', 'b', ...clientKinds].map((name) => [name, {}])) };

const settingsOf = (witness: Witness, more: object): Settings => ({
  callers,
  servers: { s: { url: witness.url, tools: { drop: { tier: 'destructive', cost: 0.5 } } } },
  connections: [
    {
      name: 'c',
      from: { anyone: true },
      to: 's',
      tools: [{ allow: ['search', 'drop'] }],
      resources: [{ allow: 'doc://projects/{id}' }],
    },
  ],
  ...more,
});

interface Limited extends AsyncDisposable {
  readonly witness: Witness;
  readonly gateway: Gateway;
}

async function startLimited(limits: unknown, more: object = {}): Promise<Limited> {
  await using resources = new AsyncDisposableStack();
  const witness = resources.use(await startWitness(tools));
  const gateway = resources.use(await startGateway(settingsOf(witness, { limits, ...more })));
  const kept = resources.move();
  return { witness, gateway, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What the tests below set at servers of one gateway, each at its own. */
const shared = {
  raised: { limits: [{ name: 'rare', per: 'caller', rate: '2/day' }] },
  crowd: { limits: [{ per: 'caller', rate: '10/min' }] },
  queue: { limits: [{ name: 'one', per: 'server', concurrency: 1, queue: 2, wait: '60s' }] },
  loops: { loops: 'on' },
  busy: {},
  other: {},
};

interface Server {
  readonly witness: Witness;
  readonly url: string;
  readonly call: (key: string, tool?: string) => Promise<string>;
}

const witnesses = new Map<string, Witness>();
let gateway: Gateway;

before(async () => {
  for (const name of Object.keys(shared)) witnesses.set(name, await startWitness(tools));
  const servers = Object.entries(shared).map(([name, more]) => [name, { url: witnesses.get(name)?.url, ...more }]);
  gateway = await startGateway({
    callers,
    servers: Object.fromEntries(servers),
    connections: [
      { name: 'c', from: { anyone: true }, to: Object.keys(shared), tools: [{ allow: ['search', 'drop'] }] },
    ],
  });
});
after(async () => {
  await gateway.stop();
  for (const witness of witnesses.values()) await witness[Symbol.asyncDispose]();
});

function serverOf(name: keyof typeof shared): Server {
  const url = gateway.endpoint(name);
  const witness = witnesses.get(name) ?? assert.fail(name);
  return { witness, url, call: (key, tool = 'search') => call(gateway, key, tool, url) };
}

/** The text of a tool result, or what else was answered. */
async function call(gateway: Gateway, key: string, tool = 'search', url = gateway.endpoint('s')): Promise<string> {
  const { json, body } = await sendRaw(modernCallWith({ url, key, tool }));
  const [content] = (json?.result?.['content'] ?? []) as { text?: string }[];
  return content?.text ?? body;
}

const made = 'the witness was called';

test('a rate: the eleventh call of every kind of client hears when, the record has it, and metrics count it', async (t) => {
  await using limited = await startLimited([{ name: 'everybody', per: 'caller', rate: '10/min' }]);
  const { gateway, witness } = limited;
  for (const kind of clientKinds)
    await t.test(kind, async () => {
      const headers = { Authorization: `Bearer ${gateway.key(kind)}` };
      await using session = await openSession(kind, { url: gateway.endpoint('s'), headers });
      for (let at = 0; at < 10; at++) assert.equal((await session.call('search', {})).text, made);
      witness.forget();
      const eleventh = await session.call('search', {});
      assert.equal(eleventh.isError, true);
      assert.match(
        eleventh.text,
        /^The limit "everybody" is reached, and the call was not made\. Try again in [1-6] seconds?, and not before\. \(reference [\w-]+\)$/,
      );
      assert.equal(witness.calls().length, 0);
    });
  await t.test('over stdio, at the portal', async () => {
    const key = gateway.key('a');
    const command = [process.execPath, gatewayFile, 'stdio', '--config', gateway.config, '--key', key] as const;
    await using session = await openSession('sdk2-auto', { command });
    for (let at = 0; at < 10; at++) assert.equal((await session.call('s__search', {})).text, made);
    assert.match((await session.call('s__search', {})).text, /^The limit "everybody" is reached/);
  });
  await t.test('of the whole request, over HTTP, with Retry-After', async () => {
    const key = gateway.key('b');
    for (let at = 0; at < 10; at++) assert.equal(await call(gateway, key, at % 2 === 0 ? 'search' : 'drop'), made);
    const headers = [
      ...modernHeaders('resources/read', 'doc://projects/1'),
      ['Authorization', `Bearer ${key}`],
    ] as const;
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'resources/read',
      params: { uri: 'doc://projects/1', _meta: meta },
    });
    const answer = await sendRaw({ url: gateway.endpoint('s'), headers, body });
    assert.equal(answer.status, 429);
    const seconds = Number(answer.headers.get('retry-after'));
    assert.ok(seconds >= 1 && seconds <= 6);
    const data = answer.json?.error?.data as Record<string, unknown> & { _meta: Record<string, object> };
    assert.equal(data['retryAfterSeconds'], seconds);
    const { reference: _reference, ...denial } = data._meta['sallyport/denial'] as Record<string, unknown>;
    assert.deepEqual(denial, { class: 'limit', retryable: true, retryAfterSeconds: seconds });
    // The same at the portal, and what does not exist is told nothing else than before.
    assert.match(await call(gateway, key, 's__search', `${gateway.mcp}/mcp`), /^The limit "everybody" is reached/);
    assert.match(await call(gateway, key, 'update'), /Unknown tool: update/);
    assert.match(await call(gateway, key, 'nothing'), /Unknown tool: nothing/);
  });
  await t.test('the record', async () => {
    const search = await runCommandHere('audit', 'search', '--config', gateway.config, '--json');
    assert.equal(search.code, 0, search.stderr);
    assert.match(search.stdout, /"limits": \[\s*\{\s*"name": "everybody",\s*"verdict": "refused"\s*\}\s*\]/);
    assert.match(search.stdout, /"reason": "limit-reached"/);
  });
  await t.test('limits show and explain', async () => {
    const show = await runCommandHere('limits', 'show', '--caller', 'agent:sdk1', '--config', gateway.config);
    assert.match(show.stdout, /^everybody {2}agent:sdk1 {2}\d+ of 10 used \(10\/min/, show.stdout + show.stderr);
    const words = ['--caller', 'agent:b', '--server', 's', '--tool', 'search'];
    const explain = await runCommandHere('explain', ...words, '--config', gateway.config);
    assert.match(explain.stdout, /^Limit: everybody {2}agent:b {2}\d+ of 10 used/m, explain.stdout + explain.stderr);
  });
  await t.test('metrics', async () => {
    const text = await (await fetch(`${gateway.admin}/metrics`)).text();
    assert.match(text, /sallyport_limits_total\{limit="everybody",event="refused"\} [6-9]/);
    assert.match(text, /sallyport_table_entries\{table="limits"\} \d/);
  });
});

test('answers to input requests that no server has asked for count as the calls that they come with', async () => {
  await using limited = await startLimited([{ name: 'few', per: 'caller', calls: '2/day' }]);
  const { gateway, witness } = limited;
  const key = gateway.key('a');
  const texts: string[] = [];
  for (const answer of ['sallyport-approval', 'sallyport-connect', 'name', 'sallyport-approval']) {
    const params = { name: 'search', arguments: {}, _meta: meta, inputResponses: { [answer]: { action: 'accept' } } };
    const headers = [...modernHeaders('tools/call', 'search'), ['Authorization', `Bearer ${key}`]] as const;
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    texts.push((await sendRaw({ url: gateway.endpoint('s'), headers, body })).body);
  }
  assert.deepEqual(
    texts.map((text) => /"few\\" is reached, and the call was not made/.test(text)),
    [false, false, true, true],
    texts.join(),
  );
  assert.equal(witness.calls().length, 2);
});

test('a rate that is raised has room as soon as the new one says', async () => {
  const { call } = serverOf('raised');
  const key = gateway.key('a');
  assert.deepEqual([await call(key), await call(key)], [made, made]);
  assert.match(await call(key), /^The limit "rare" is reached, .* Try again in 12 hours/);
  await reload(gateway, ({ servers }) => {
    (servers as typeof shared).raised.limits[0] = { name: 'rare', per: 'caller', rate: '600/min' };
  });
  let text = await call(key);
  for (const deadline = Date.now() + patienceMs; text !== made && Date.now() < deadline; ) text = await call(key);
  assert.equal(text, made);
});

test('limits show has the rows of the caller that is named, and of no other', async () => {
  await using limited = await startLimited(
    [
      { name: 'each', per: ['caller', 'tool'], rate: '50/day' },
      { name: 'roles', per: ['role', 'address'], rate: '50/day' },
      { name: 'agents', per: ['agent', 'tool'], rate: '50/day' },
    ],
    { callers: { agents: { a: { roles: ['r'] }, 'a-2': {} }, users: { dana: { roles: ['s'] } } } },
  );
  const { gateway } = limited;
  for (const names of ['a', 'a-2', { user: 'dana', agent: 'a' }] as const)
    assert.equal(await call(gateway, gateway.key(names)), made);
  const shown = async (...caller: readonly string[]): Promise<readonly string[]> => {
    const ended = await runCommandHere('limits', 'show', '--caller', ...caller, '--json', '--config', gateway.config);
    const { limits } = JSON.parse(ended.stdout) as { limits: { limit: string; key: string; used: number }[] };
    return limits.map(({ limit, key, used }) => `${limit} ${key} ${used}`).toSorted();
  };
  assert.deepEqual(await shown('agent:a'), [
    'agents agent:a s/search 2',
    'each agent:a s/search 1',
    'roles role:r 127.0.0.1 2',
  ]);
  assert.deepEqual(await shown('agent:a-2'), ['agents agent:a-2 s/search 1', 'each agent:a-2 s/search 1']);
  assert.deepEqual(await shown('user:dana', 'agent:a'), [
    'agents agent:a s/search 2',
    'each user:dana agent:a s/search 1',
    'roles role:r 127.0.0.1 2',
    'roles role:s 127.0.0.1 1',
  ]);
});

test('sixty-four calls at the same time on a rate of ten: ten reach the server', async () => {
  const { call, witness } = serverOf('crowd');
  const key = gateway.key('a');
  await call(gateway.key('b'));
  witness.forget();
  const all = await Promise.all(Array.from({ length: 64 }, () => call(key)));
  assert.equal(all.filter((text) => text === made).length, 10);
  assert.equal(witness.calls().length, 10);
});

test('a budget goes on after kill -9 and after a reload, and warns', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-limits-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await using witness = await startWitness(tools);
  const limits = [
    { name: 'money', per: 'agent', cost: '2/day', warnAt: '75%' },
    { name: 'rare', per: 'caller', rate: '1000/min' },
  ];
  const settings = settingsOf(witness, { limits });
  const first = await startGateway(settings, { folder });
  t.after(() => first.stop());
  const key = first.key('a');
  for (let at = 0; at < 3; at++) assert.equal(await call(first, key, 'drop'), made);
  await first.until(() => first.errors().includes('a limit is nearly reached'));
  await reload(first, (written) => {
    (written as { limits: object[] }).limits[1] = { name: 'rare', per: 'caller', rate: '2000/min' };
  });
  // What was counted is kept four times a second, and nothing says so: at most a second of it may be lost.
  const { promise: kept, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 1_000);
  await kept;
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  await using second = await startGateway(settings, { folder });
  assert.equal(await call(second, key, 'drop'), made);
  assert.match(
    await call(second, key, 'drop'),
    /^The limit "money" is reached, .* Try again in (?:2[45] hours|\d+ minutes)/,
  );
  assert.equal(await call(second, key, 'search'), made, 'what costs nothing');
  assert.equal(await call(second, second.key('b'), 'drop'), made, 'another agent');
  await reload(second, (written) => {
    (written as { limits: object[] }).limits.splice(1, 1);
  });
  assert.match(await call(second, key, 'drop'), /^The limit "money" is reached/);
  const search = await runCommandHere(
    'audit',
    'search',
    '--kind',
    'limit-warning',
    '--json',
    '--config',
    second.config,
  );
  assert.match(search.stdout, /"limit": "money"/, search.stdout + search.stderr);
});

test('calls under way: the second waits for the first, and what finds no place in the queue is refused', async () => {
  const { call, witness } = serverOf('queue');
  const [a, b] = [gateway.key('a'), gateway.key('b')];
  const waiting: (() => void)[] = [];
  const { promise: begun, resolve: began } = Promise.withResolvers<void>();
  witness.answer('search', (response, { message: { id } }) => {
    waiting.push(() =>
      sendJson(response, {
        jsonrpc: '2.0',
        id,
        result: { resultType: 'complete', content: [{ type: 'text', text: made }] },
      }),
    );
    began();
  });
  const first = call(a);
  await begun;
  const queued = async (size: number): Promise<void> => {
    for (;;) {
      const text = await (await fetch(`${gateway.admin}/metrics`)).text();
      if (text.includes(`sallyport_table_entries{table="limit_queues"} ${size}`)) return;
    }
  };
  const second = call(b);
  await queued(1);
  const third = call(a);
  await queued(2);
  assert.match(await call(b), /^The limit "one" is reached, .* Try again in 1 second,/);
  assert.equal(waiting.length, 1);
  witness.answer('search', (response, { message: { id } }) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id,
      result: { resultType: 'complete', content: [{ type: 'text', text: made }] },
    }),
  );
  waiting[0]?.();
  assert.deepEqual(await Promise.all([first, second, third]), [made, made, made]);
});

test('G25: limits on a server, a tool and a connection hold at once, and one that observes only says so', async () => {
  await using witness = await startWitness(tools);
  const { connections, servers } = settingsOf(witness, {}) as {
    connections: object[];
    servers: { s: { tools: { drop: object } } };
  };
  await using gateway = await startGateway(
    settingsOf(witness, {
      limits: [{ name: 'trial', mode: 'observe', rate: '1/day' }],
      servers: {
        s: {
          ...servers.s,
          limits: [{ name: 'of server', calls: '5/day' }],
          tools: {
            drop: {
              ...servers.s.tools.drop,
              limits: [
                { name: 'of tool', calls: '1/day', per: 'user' },
                { name: 'of tool too', calls: '2/day' },
              ],
            },
          },
        },
      },
      connections: [
        { ...connections[0], limits: [{ name: 'of connection', per: ['session', 'tool'], tools: 'search', calls: 2 }] },
      ],
    }),
  );
  const key = gateway.key('a');
  const said: string[] = [];
  for (const tool of ['search', 'search', 'search', 'drop', 'drop', 'drop', 'search']) {
    const text = await call(gateway, key, tool);
    said.push(text === made ? 'made' : (/^The limit "(.*)"/.exec(text)?.[1] ?? text));
  }
  assert.deepEqual(said, ['made', 'made', 'of connection', 'made', 'made', 'of tool too', 'of connection']);
  const text = await (await fetch(`${gateway.admin}/metrics`)).text();
  assert.match(text, /sallyport_limits_total\{limit="trial",event="would-refuse"\} 6/);
});

test('a caller that probes is slowed down, and no other one', async () => {
  await using limited = await startLimited([], { bounds: { refusals: 5 } });
  const { gateway } = limited;
  const [a, b] = [gateway.key('a'), gateway.key('b')];
  const said: string[] = [];
  for (let at = 0; at < 7; at++) said.push(await call(gateway, a, `guess${at}`));
  assert.ok(said.slice(0, 6).every((text) => text.includes('Unknown tool')));
  assert.match(said[6] ?? '', /^Too many calls were refused, and this one was not looked at\. Try again in 1 second,/);
  assert.equal(await call(gateway, b), made);
});

test('a loop is told, then refused, and what is denied again and again is told so', async (t) => {
  const { call, url, witness } = serverOf('loops');
  for (const kind of clientKinds)
    await t.test(kind, async () => {
      const headers = { Authorization: `Bearer ${gateway.key(kind)}` };
      await using session = await openSession(kind, { url, headers });
      witness.forget();
      const said: string[] = [];
      for (let at = 0; at < 6; at++) said.push((await session.call('search', {})).text);
      assert.deepEqual(said.slice(0, 2), [made, made]);
      assert.match(
        said[2] ?? '',
        /^the witness was called\n*Note of the gateway: this call gave the same result 3 times in a row\./,
      );
      assert.match(
        said[5] ?? '',
        /^This call was made 5 times in a row and always ended the same, so it is refused for /,
      );
      assert.equal(witness.calls().length, 5);
      assert.equal((await session.call('drop', {})).text, made);
    });
  await t.test('denied calls', async () => {
    const key = gateway.key('a');
    const said: string[] = [];
    for (let at = 0; at < 6; at++) said.push(await call(key, 'update'));
    assert.doesNotMatch(said[1] ?? '', /Note/);
    assert.match(said[2] ?? '', /Unknown tool: update.*Note of the gateway: this call was refused 3 times\./);
    assert.match(said[5] ?? '', /This call was made 5 times in a row/);
  });
});

test('what a server says of its own limits is kept: calls are answered at once, without it, until then', async () => {
  const { call, witness } = serverOf('busy');
  const [a, b] = [gateway.key('a'), gateway.key('b')];
  assert.equal(await call(a), made);
  witness.answer('search', (response, { message: { id } }) => {
    response.setHeader('retry-after', '2');
    sendJson(response, { jsonrpc: '2.0', id, error: { code: -32_000, message: 'slow down, 10.1.2.3' } }, 429);
  });
  const told = /^The server busy takes no more calls for now, and this one was not made\. Try again in [12] seconds?,/;
  witness.forget();
  const text = await call(a);
  assert.match(text, told);
  assert.doesNotMatch(text, /10\.1\.2\.3/);
  for (const key of [a, b, a, b]) assert.match(await call(key), told);
  assert.equal(witness.calls().length, 2, 'the server was asked once by each');
  assert.equal(await serverOf('other').call(a), made, 'another server');
  witness.answer('search', (response, { message: { id } }) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id,
      result: { resultType: 'complete', content: [{ type: 'text', text: made }] },
    }),
  );
  const deadline = performance.now() + patienceMs;
  while ((await call(a)) !== made) assert.ok(performance.now() < deadline);
  assert.equal(witness.calls().length, 3, 'and again when its time was over');
});

test('lists and handshakes have limits of their own, in both eras', async () => {
  await using limited = await startLimited([
    { name: 'lists', of: 'lists', per: 'caller', rate: '2/h' },
    { name: 'hello', of: 'handshakes', per: 'caller', rate: '2/h' },
    { name: 'watched', of: 'lists', per: 'caller', rate: '1/h', mode: 'observe' },
  ]);
  const { gateway } = limited;
  const authorization = ['Authorization', `Bearer ${gateway.key('a')}`] as const;
  const ask = async (method: string, legacy: boolean) => {
    const params = legacy
      ? { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
      : { _meta: meta };
    const headers = [...(legacy ? legacyHeaders : modernHeaders(method)), authorization];
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await sendRaw({ url: gateway.endpoint('s'), headers, body });
    return [
      answer.status,
      answer.json?.error?.message.replace(/ \(reference .*/, ''),
      answer.headers.get('retry-after'),
    ];
  };
  const told = (name: string) => [
    429,
    `The limit "${name}" is reached, and the call was not made. Try again in 30 minutes, and not before.`,
  ];
  for (let at = 0; at < 2; at++) assert.equal((await ask('tools/list', false))[0], 200);
  assert.deepEqual((await ask('tools/list', false)).slice(0, 2), told('lists'));
  assert.equal((await ask('server/discover', false))[0], 200);
  assert.equal((await ask('initialize', true))[0], 200);
  const [status, message, seconds] = await ask('initialize', true);
  assert.deepEqual([status, message], told('hello'));
  assert.ok(Number(seconds) > 1_700 && Number(seconds) <= 1_800);
  assert.deepEqual((await ask('server/discover', false)).slice(0, 2), told('hello'));
  assert.equal(await call(gateway, gateway.key('a')), made, 'calls are not lists');
  const words = ['audit', 'search', '--method', 'tools/list', '--json', '--config', gateway.config];
  const { stdout } = await runCommandHere(...words);
  assert.match(stdout, /"watched"[^]*"would refuse"/);
});
