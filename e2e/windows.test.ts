/** Hours and networks of connections, and a clock that is set, through a running gateway. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { modernCallWith, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { openSession } from './clients.ts';
import { sallyportWith } from './faults/commands.ts';
import { listen, startSession } from './faults/events.ts';
import { type Gateway, gatewayFile, type Settings, startGateway } from './harness.ts';
import { patienceMs } from './process.ts';

const hourMs = 3_600_000;
const made = 'the witness was called';

interface Timed {
  readonly gateway: Gateway;
  readonly witness: Witness;
  /** Sets the clock of the gateway to this time of the day, in UTC. */
  readonly setTo: (hour: number) => Promise<void>;
  readonly call: (key: string) => Promise<string>;
}

async function startTimed(
  context: TestContext,
  settings: Settings,
  tools: readonly string[] = ['search'],
): Promise<Timed> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-windows-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'ahead');
  const setTo = (hour: number): Promise<void> => {
    const today = Math.floor(Date.now() / (24 * hourMs)) * 24 * hourMs;
    return writeFile(file, String(today + hour * hourMs - Date.now()));
  };
  await setTo(12);
  const witness = await startWitness(tools.map((name) => ({ name })));
  context.after(() => witness[Symbol.asyncDispose]());
  const gateway = await startGateway(
    { callers: { agents: { a: {} } }, servers: { s: { url: witness.url } }, ...settings },
    { env: { MOVED_CLOCK: file, NODE_OPTIONS: `--import=${join(import.meta.dirname, 'moved-clock.ts')}` } },
  );
  context.after(() => gateway.stop());
  const call = async (key: string): Promise<string> => {
    const { json, body } = await sendRaw(modernCallWith({ url: gateway.endpoint('s'), key, tool: 'search' }));
    const [content] = (json?.result?.['content'] ?? []) as { text?: string }[];
    return content?.text ?? body;
  };
  return { gateway, witness, setTo, call };
}

/** Until the gateway answers so: it takes its clock from a file. */
async function until(answered: () => Promise<string>, pattern: RegExp): Promise<string> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const text = await answered();
    if (pattern.test(text)) return text;
    assert.ok(performance.now() < deadline, text);
  }
}

test('outside its hours a connection does not exist, and what is open ends', async (context) => {
  const { gateway, witness, setTo, call } = await startTimed(context, {
    bounds: { refusals: 1_000_000 },
    loops: 'off',
    connections: [
      {
        name: 'office',
        from: { agent: 'a' },
        to: 's',
        hours: { from: '09:00', to: '18:00', zone: 'UTC' },
        tools: [{ allow: '*' }],
      },
    ],
  });
  const key = gateway.key('a');
  const url = gateway.endpoint('s');
  assert.equal(await call(key), made);
  using listening = await listen(url, key, { toolsListChanged: true });
  const session = await startSession(url, key);
  using stream = session.events;
  assert.equal(stream.ended(), false);

  const { promise: asked, resolve: ask } = Promise.withResolvers<() => void>();
  witness.answer('search', (response, { message: { id } }) => {
    const result = { resultType: 'complete', content: [{ type: 'text', text: 'too late' }] };
    ask(() => sendJson(response, { jsonrpc: '2.0', id, result }));
  });
  const underWay = call(key);
  const answer = await asked;
  await setTo(18.01);
  assert.match(await underWay, /^The right to make this call ended while it was under way/);
  answer();
  const closed = await until(() => call(key), /There is no such server/);
  const absent = await sendRaw(modernCallWith({ url: gateway.endpoint('nowhere'), key, tool: 'search' }));
  assert.equal(closed, absent.body);
  await listening.end();
  const portal = await openSession('sdk2-modern', {
    url: `${gateway.mcp}/mcp`,
    headers: { Authorization: `Bearer ${key}` },
  });
  assert.deepEqual(await portal.tools(), []);
  await portal[Symbol.asyncDispose]();

  witness.answer('search', (response, { message: { id } }) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id,
      result: { resultType: 'complete', content: [{ type: 'text', text: made }] },
    }),
  );
  await setTo(9.01);
  await until(() => call(key), /the witness was called/);
  const search = await sallyportWith('', 'audit', 'search', '--config', gateway.config, '--denied', '--json');
  assert.match(search.stdout, /the connection \\"office\\" is outside its hours/, search.stdout.slice(0, 2_000));
  const explain = ['explain', '--caller', 'agent:a', '--server', 's', '--tool', 'search', '--config', gateway.config];
  const night = await sallyportWith('', ...explain, '--at', '2026-11-30T20:00:00Z');
  assert.match(night.stdout, /As if there were no such server: the connection "office" is outside its hours/);
  assert.equal((await sallyportWith('', ...explain, '--at', '2026-11-30T10:00:00Z')).code, 0);
});

test('a connection for a network does not exist from elsewhere, and not over stdio', async (context) => {
  const to = { to: 's', tools: [{ allow: '*' }] };
  const { gateway, call } = await startTimed(context, {
    callers: { agents: { a: {}, b: {} } },
    connections: [
      { name: 'here', from: { agent: 'a' }, networks: ['127.0.0.0/8', '::1'], ...to },
      { name: 'there', from: { agent: 'b' }, networks: '192.0.2.0/24', ...to },
    ],
  });
  const [a, b] = [gateway.key('a'), gateway.key('b')];
  assert.equal(await call(a), made);
  assert.match(await call(b), /There is no such server/);
  const command = [process.execPath, gatewayFile, 'stdio', '--config', gateway.config, '--key', a] as const;
  await using session = await openSession('sdk2-auto', { command });
  assert.deepEqual(await session.tools(), []);
});

test('a clock that is set an hour ahead and two back neither frees nor locks a rate or a sliding budget', async (context) => {
  const { gateway, setTo, call } = await startTimed(context, {
    connections: [{ name: 'c', from: { agent: 'a' }, to: 's', tools: [{ allow: '*' }] }],
    limits: [
      { name: 'rate', per: 'caller', rate: '2/h' },
      { name: 'budget', per: 'caller', calls: '3/h' },
    ],
  });
  const key = gateway.key('a');
  assert.deepEqual([await call(key), await call(key)], [made, made]);
  for (const hour of [13.5, 10]) {
    await setTo(hour);
    // The log of a refused call shows that its clock was set.
    const logged = async (): Promise<string> => {
      await call(key);
      const [, time = '0'] = [...gateway.errors().matchAll(/"time":"?([^",]+)/g)].at(-1) ?? [];
      return new Date(/^\d+$/.test(time) ? Number(time) : time).toISOString();
    };
    await until(logged, new RegExp(`T${String(Math.floor(hour)).padStart(2, '0')}:`));
    assert.match(await call(key), /^The limit "rate" is reached, .* Try again in (?:30|29) minutes/);
  }
});

test('a budget goes on under a clock that is set ahead by more than its time, whatever is kept of it then', async (context) => {
  const { gateway, setTo, call } = await startTimed(context, {
    connections: [{ name: 'c', from: { agent: 'a' }, to: 's', tools: [{ allow: '*' }] }],
    limits: [{ name: 'budget', per: 'caller', calls: '4/h' }],
  });
  const key = gateway.key('a');
  const database = new DatabaseSync(join(gateway.folder, 'data', 'sallyport.db'), { readOnly: true });
  context.after(() => database.close());
  const kept = async (): Promise<string> => String(database.prepare('SELECT sum(amount) AS n FROM sums').get()?.['n']);
  assert.deepEqual([await call(key), await call(key)], [made, made]);
  await until(kept, /^2$/);
  await setTo(20);
  assert.equal(await call(key), made);
  await until(kept, /^3$/);
  assert.equal(await call(key), made);
  await until(kept, /^4$/);
  assert.match(await call(key), /^The limit "budget" is reached/);
});
