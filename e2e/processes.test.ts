/** Server processes: none is left behind, however the gateway ends; what is broken is restarted; what is shared, shared. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openSession } from './clients.ts';
import { fixtureCommand, type Gateway, openSettings, startGateway } from './harness.ts';
import { patienceMs } from './process.ts';

const everything = { command: fixtureCommand('legacy') };

/** Ignores the end of its input and SIGTERM, and has a child of its own: what only SIGKILL to everybody ends. */
const [node, ...fixtureArguments] = fixtureCommand('legacy');
const stubborn = {
  command: [
    node,
    '-e',
    `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);
     require('node:child_process').spawn(process.execPath, ${JSON.stringify(fixtureArguments)}, { stdio: 'inherit' });`,
  ],
};

/** Processes of this machine whose environment marks them as started by some gateway, by the mark. */
function supervised(): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isSafeInteger(pid)) continue;
    const mark = environmentOf(pid).find((line) => line.startsWith('SALLYPORT_SUPERVISED='));
    if (mark !== undefined) found.set(pid, mark);
  }
  return found;
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]);
  } catch {
    return 0;
  }
}

/** The processes that this gateway has started for its servers. */
function serversOf(gateway: Gateway): readonly number[] {
  return [...supervised().keys()].filter((pid) => parentOf(pid) === gateway.pid);
}

/** Asks the operating system until it says so; processes send no event to strangers. */
async function until(what: string, holds: () => boolean, within = patienceMs): Promise<void> {
  const deadline = Date.now() + within;
  while (!holds()) {
    if (Date.now() > deadline) assert.fail(`not within ${within} ms: ${what}`);
    await pause(50);
  }
}

const alive = (pid: number): boolean => environmentOf(pid).length > 1;

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const)
  test(`no server outlives the gateway: ${signal}`, async () => {
    const gateway = await startGateway(openSettings('tester', { one: everything, two: stubborn }));
    try {
      for (const server of ['one', 'two']) {
        await using session = await openSession('sdk2-modern', { url: gateway.endpoint(server) });
        await session.tools();
      }
      const started = serversOf(gateway);
      assert.equal(started.length, 2);
      const marks = new Set([...supervised()].filter(([pid]) => started.includes(pid)).map(([, mark]) => mark));
      const servers = [...supervised()].filter(([, mark]) => marks.has(mark)).map(([pid]) => pid);
      assert.ok(servers.length >= 3, 'the stubborn one has a child');
      const gone = once(gateway.child, 'exit');
      gateway.child.kill(signal);
      await gone;
      await until('all servers have ended', () => servers.every((pid) => !alive(pid)));
    } finally {
      await gateway.stop();
    }
  });

test('a server that exits is started again, and its callers get a clear error meanwhile', async () => {
  await using gateway = await startGateway(openSettings('tester', { one: everything }));
  await using session = await openSession('sdk2-modern', { url: gateway.endpoint('one') });
  await session.tools();
  const [before] = serversOf(gateway);
  const broken = await session
    .call('exit_process', { code: 3 })
    .catch((error: unknown) => ({ isError: true, text: String(error) }));
  assert.ok(broken.isError);
  assert.match(broken.text, /may have been made/);
  await until('the tool answers again', () => serversOf(gateway).length === 1 || serversOf(gateway).length === 0);
  let answered = false;
  for (const deadline = Date.now() + patienceMs; !answered && Date.now() < deadline; ) {
    const result = await session.call('test_simple_text', {});
    answered = !result.isError;
    if (!answered) await pause(100);
  }
  assert.ok(answered, 'the server came back');
  assert.notDeepEqual(serversOf(gateway), [before]);
});

test('sharing: each caller has a process of its own, or all have one', async () => {
  const settings = {
    callers: { agents: { ada: {}, bob: {} } },
    servers: { own: everything, common: { ...everything, sharing: 'shared' } },
    connections: [{ name: 'all', from: { agent: ['ada', 'bob'] }, to: ['own', 'common'], tools: [{ allow: '*' }] }],
  };
  await using gateway = await startGateway(settings);
  for (const [server, processes] of [
    ['common', 1],
    ['own', 3],
  ] as const) {
    for (const agent of ['ada', 'bob']) {
      const headers = { Authorization: `Bearer ${gateway.key(agent)}` };
      await using session = await openSession('sdk2-modern', { url: gateway.endpoint(server), headers });
      assert.ok((await session.tools()).length > 0);
    }
    assert.equal(serversOf(gateway).length, processes);
  }
});

test('an unused server is stopped, and started when it is needed', async () => {
  await using gateway = await startGateway(openSettings('tester', { one: { ...everything, idle: '1s' } }));
  {
    await using session = await openSession('sdk2-modern', { url: gateway.endpoint('one') });
    await session.tools();
    assert.equal(serversOf(gateway).length, 1);
  }
  await until('the idle process has ended', () => serversOf(gateway).length === 0);
  await using session = await openSession('sdk2-modern', { url: gateway.endpoint('one') });
  assert.ok((await session.tools()).includes('test_simple_text'));
});

/** Of the tests below, which start no process of another one. */
let shared: Gateway;
before(async () => {
  const env = { GIVEN: 'yes', FROM_SECRET: '${env:PLANTED}' };
  shared = await startGateway(
    {
      ...openSettings('tester', { surrounded: { ...everything, env }, garbage: everything, long: everything }),
      bounds: { result: '64KiB' },
    },
    { env: { PLANTED: 'planted-value', NOT_FOR_SERVERS: 'planted', SSL_CERT_FILE: '/etc/ssl/authorities.pem' } },
  );
});
after(() => shared.stop());

test('the environment of the gateway is not passed on, but where the trusted authorities are', async () => {
  await using session = await openSession('sdk2-modern', { url: shared.endpoint('surrounded') });
  const { text } = await session.call('environment_names', {});
  assert.match(text, /GIVEN/);
  assert.match(text, /FROM_SECRET/);
  assert.match(text, /SSL_CERT_FILE/);
  assert.doesNotMatch(text, /NOT_FOR_SERVERS|PLANTED/);
});

test('garbage on stdout is no message, and the call goes on', async () => {
  await using session = await openSession('sdk2-modern', { url: shared.endpoint('garbage') });
  assert.equal((await session.call('garbage_on_stdout', {})).isError, false);
});

test('a line that is too long fails its own call only', async () => {
  await using session = await openSession('sdk2-modern', { url: shared.endpoint('long') });
  await session.tools();
  const before = serversOf(shared);
  const large = await session.call('result_of_size', { bytes: 200_000 });
  assert.ok(large.isError);
  assert.match(large.text, /larger than 65536 bytes/);
  assert.equal((await session.call('test_simple_text', {})).isError, false);
  assert.deepEqual(serversOf(shared), before, 'it is the same process');
});
