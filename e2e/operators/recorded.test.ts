/** What commands decide has a record in the log, also where the gateway is killed before it could write one. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from '../../gateway/src/stores/sqlite/driver.ts';
import { until } from '../until.ts';
import { startWorld, type World } from './world.ts';

const kinds = ['approval-rejected', 'operator-created', 'server-control', 'definition-rejected'] as const;

/** A folder, and a log in it that can be held up. */
function slowDisk() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-recorded-'));
  const slow = join(folder, 'slow');
  const loader = join(import.meta.dirname, '..', 'faults', 'slow-disk.ts');
  return {
    folder,
    env: { SLOW_DISK: slow, NODE_OPTIONS: `--import=${loader}` },
    /** From here on the log writes nothing: a record of its own holds it up. */
    async hold({ sallyport }: World): Promise<void> {
      writeFileSync(slow, '');
      await sallyport('server', 'disable', 'other', '--reason', 'first');
      await until(() => existsSync(`${slow}.reached`), 'the log to write');
    },
    release: () => rmSync(slow, { force: true }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

test('decisions of commands are recorded by the next gateway where one is killed before its log has them', async () => {
  using disk = slowDisk();
  const { folder, env } = disk;
  {
    await using world = await startWorld({}, { folder, env, pins: { mode: 'first-use' } });
    const { sallyport, gateway } = world;
    const id = await world.held('pay');
    await disk.hold(world);
    for (const args of [
      ['server', 'enable', 'other', '--reason', 'over'],
      ['operator', 'create', 'erin', '--role', 'approver'],
      ['approval', 'reject', id, '--reason', 'no'],
      ['pins', 'reject', 'things/get-sum', '--reason', 'odd'],
    ]) {
      const { code, stderr } = await sallyport(...args);
      assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    }
    const database = openDatabase(join(gateway.folder, 'data'));
    try {
      const waiting = database.prepare(
        `SELECT (SELECT count(*) FROM server_controls WHERE is_recorded = 0)
           + (SELECT count(*) FROM operator_events WHERE is_recorded = 0)
           + (SELECT count(*) FROM definitions WHERE is_recorded = 0)
           + (SELECT count(*) FROM approvals WHERE is_recorded = 0) AS n`,
      );
      await until(() => Number(waiting.get()?.['n']) === 0, 'the gateway to take what was decided');
    } finally {
      database.close();
    }
    process.kill(gateway.pid, 'SIGKILL');
    await gateway.stop();
    disk.release();
  }
  await using world = await startWorld({}, { folder, pins: { mode: 'first-use' } });
  for (const kind of kinds)
    await until(async () => {
      const { stdout } = await world.sallyport('audit', 'search', '--kind', kind, '--json');
      return stdout.includes(`"kind": "${kind}"`) || stdout.includes(`"kind":"${kind}"`);
    }, `a record of ${kind}`);
  const verified = await world.sallyport('audit', 'verify');
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

test('an approval is on record before the call that waits for it is made, also where the gateway is killed then', async () => {
  using disk = slowDisk();
  const { folder, env } = disk;
  {
    await using world = await startWorld({}, { folder, env, approvals: { wait: '40s' } });
    const { sallyport, gateway } = world;
    const call = world.session.call('echo', { message: 'pay' }).then(
      () => assert.fail('the call was made'),
      () => {},
    );
    const database = openDatabase(join(gateway.folder, 'data'));
    try {
      const row = database.prepare('SELECT id, state, is_recorded FROM approvals');
      await until(() => Number(row.get()?.['is_recorded']) === 1, 'the call to be held');
      await disk.hold(world);
      const { code, stderr } = await sallyport('approval', 'approve', String(row.get()?.['id']));
      assert.equal(code, 0, stderr);
      await until(() => Number(row.get()?.['is_recorded']) > 1, 'the gateway to take what was decided');
    } finally {
      database.close();
    }
    process.kill(gateway.pid, 'SIGKILL');
    await gateway.stop();
    await call;
    disk.release();
  }
  await using world = await startWorld({}, { folder });
  await until(async () => {
    const { stdout } = await world.sallyport('audit', 'search', '--kind', 'approval-approved', '--json');
    return stdout.includes('"approval-approved"');
  }, 'a record of what was approved');
});
