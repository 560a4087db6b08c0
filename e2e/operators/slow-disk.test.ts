/** The database of a gateway and its disk: decisions while it stands still, and a journal that gets long. */
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkpointBounds, pagesLeft } from '../../gateway/src/process/checkpoints.ts';
import { openDatabase } from '../../gateway/src/stores/sqlite/driver.ts';
import { openSession } from '../clients.ts';
import { startGateway } from '../harness.ts';
import { until } from '../until.ts';
import { startWorld } from './world.ts';

test('a decision is told, and its call made, once it is on the disk, and other calls do not wait for that', async () => {
  const slow = join(process.env['TMPDIR'] ?? '/tmp', `sallyport-slow-database-${process.pid}`);
  const clear = (): void => {
    for (const file of [slow, `${slow}.reached`]) rmSync(file, { force: true });
  };
  const hold = (): void => {
    clear();
    writeFileSync(slow, '');
  };
  const reached = (): Promise<void> => until(() => existsSync(`${slow}.reached`), 'the database to be synced');
  const loader = join(import.meta.dirname, '..', 'faults', 'slow-disk.ts');
  await using world = await startWorld(
    {},
    { approvals: { wait: '30s' }, env: { SLOW_DATABASE: slow, NODE_OPTIONS: `--import=${loader}` } },
  );
  using _files = { [Symbol.dispose]: clear };
  await world.operator('erin', '--role', 'approver');
  const authorization = `Bearer ${await world.token('erin')}`;
  const api = (path: string, method = 'GET'): Promise<Response> =>
    fetch(`${world.base}/api/v1/approvals${path}`, { method, headers: { authorization } });
  const waiting = async (): Promise<string | undefined> =>
    ((await (await api('')).json()) as { readonly approvals: readonly { readonly id: string }[] }).approvals[0]?.id;
  const key = world.gateway.key({ user: 'dana', agent: 'asker' });
  await using other = await openSession('sdk2-legacy', {
    url: world.gateway.endpoint('things'),
    headers: { Authorization: `Bearer ${key}` },
  });
  const ordinary = async (): Promise<void> =>
    assert.match((await other.call('get-sum', { a: 1, b: 2 })).text, /3/, 'another call is answered');

  const over: string[] = [];
  hold();
  const call = world.session.call('echo', { message: 'pay' }).then(({ text }) => {
    over.push('called');
    return text;
  });
  await reached();
  await ordinary();
  clear();
  let id: string | undefined;
  for (let tried = 0; id === undefined && tried < 1_000; tried++) id = await waiting();

  hold();
  const decision = api(`/${id}/approve`, 'POST').then((response) => {
    over.push('decided');
    return response;
  });
  await reached();
  await ordinary();
  assert.deepEqual(over, [], 'the disk has not taken the decision');
  clear();
  assert.equal((await decision).status, 200);
  assert.match(await call, /Echo: pay/);
});

test('a gateway moves a long journal of its database into it, also one that a command made', async () => {
  await using gateway = await startGateway({ audit: { enabled: false } });
  const database = openDatabase(join(gateway.folder, 'data'));
  try {
    const put = database.prepare(
      "INSERT INTO registry_entries (registry, key, owner, value, expires_at) VALUES ('test', ?, 'x', ?, 1)",
    );
    for (let each = 0; each * 2 < checkpointBounds.pages; each++) put.run(String(each), 'x'.repeat(8_000));
    await until(() => pagesLeft(database) === 0, 'the journal to be moved');
  } finally {
    database.close();
  }
});
