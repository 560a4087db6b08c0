/** Commands, other gateways and tools of the operator open the database of a running gateway, and close it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { modernCallWith, sendRaw } from './attacks/raw.ts';
import { startWitness } from './attacks/witness.ts';
import { sallyportWith } from './faults/commands.ts';
import { startGateway } from './harness.ts';
import { patienceMs, runToEnd } from './process.ts';

/** What a process has open of the database, by the name of the file; one that was deleted says so. */
function openFiles(pid: number): ReadonlySet<string> {
  const names = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
  return new Set(names.filter((name) => name.includes('sallyport.db')).map((name) => name.replace(/.*\//, '')));
}

/** A process that has no lock on a database is not seen by others there. Closing any file of the same name gives it up. */
function holdsLockOn(pid: number, path: string): boolean {
  const { ino } = statSync(path);
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .some((line) => line.includes(` ${pid} `) && line.includes(`:${ino} `));
}

/** The library of the system, as tools of operators have it: that of Node.js does not delete the journal then. */
const asOthers = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute('CREATE TABLE of_another (a)')
database.execute('DROP TABLE of_another')
database.commit()
database.close()`;

test('a process that closes the database of a running gateway takes none of its files away', async () => {
  await using witness = await startWitness([{ name: 'take' }]);
  await using gateway = await startGateway({
    callers: { agents: { one: {} } },
    servers: { notes: { url: witness.url } },
    connections: [{ name: 'c', from: { agent: 'one' }, to: 'notes', tools: [{ allow: 'take' }] }],
  });
  const call = async (key: string): Promise<number> =>
    (await sendRaw(modernCallWith({ url: gateway.endpoint('notes'), key, tool: 'take' }))).status;
  const command = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await sallyportWith('', ...args, '--config', gateway.config);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const before = gateway.key('one');
  assert.equal(await call(before), 200);
  const database = join(gateway.folder, 'data', 'sallyport.db');
  assert.ok(holdsLockOn(gateway.pid, database), 'others see that the database is in use');
  const other = await runToEnd({ command: ['python3', '-c', asOthers, database], within: 30_000 });
  assert.equal(other.code, 0, other.stderr);
  assert.deepEqual([...openFiles(gateway.pid)].toSorted(), ['sallyport.db', 'sallyport.db-shm', 'sallyport.db-wal']);

  // What commands say from now on is heard, and lasts.
  const after = await command('key', 'create', '--agent', 'one', '--quiet');
  assert.equal(await call(after), 200);
  const listed = JSON.parse(await command('key', 'list', '--json')) as {
    readonly keys: readonly { readonly id: string }[];
  };
  for (const { id } of listed.keys) await command('key', 'revoke', id);
  const ends = performance.now() + patienceMs;
  for (const key of [before, after]) while ((await call(key)) !== 401) assert.ok(performance.now() < ends, 'revoked');
});
