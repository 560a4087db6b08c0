/** What an approver sees of the time before a call: what changed since it was last approved, and what its caller did. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { patienceMs } from '../process.ts';
import { startWorld } from './world.ts';

interface History {
  readonly since?: { readonly changes: readonly object[]; readonly more: number };
  readonly recent: readonly { readonly name?: string; readonly server: string; readonly outcome?: string }[];
}

test('an approver sees what changed since the last approved call, and what the caller did', async () => {
  await using world = await startWorld({});
  await world.operator('erin', '--role', 'approver');
  await world.operator('elsewhere', '--role', 'approver', '--servers', 'other');
  await world.operator('looker', '--role', 'viewer');
  const token = await world.token('erin');
  const api = (path: string, { method = 'GET', as = token } = {}): Promise<Response> =>
    fetch(`${world.base}/api/v1/approvals/${path}`, { method, headers: { authorization: `Bearer ${as}` } });
  /** What is recorded is published and indexed within seconds. */
  const history = async (id: string, isThere: (history: History) => boolean): Promise<History> => {
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline; ) {
      const response = await api(`${id}/history`);
      const said = await response.text();
      // Conflict, where a busy machine does not read the log in time.
      assert.ok(response.status === 200 || response.status === 409, said);
      const found = JSON.parse(said) as History;
      if (response.status === 200 && isThere(found)) return found;
      await pause(100);
    }
    return assert.fail('the log does not say it');
  };

  await world.session.call('get-sum', { a: 1, b: 2 });
  // Lists are no calls, however many there are.
  for (let listed = 0; listed < 250; listed++) await world.session.tools();
  const first = await world.held('delete order 17');
  const before = await history(first, ({ recent }) => recent.some(({ name }) => name === 'get-sum'));
  assert.equal(before.since, undefined, 'none was approved yet');

  assert.equal((await api(`${first}/approve`, { method: 'POST' })).status, 200);
  assert.match((await world.session.call('echo', { message: 'delete order 17' })).text, /Echo: delete order 17/);
  const second = await world.held('delete order 18');
  const { since } = await history(
    second,
    (found) =>
      found.since !== undefined && found.recent.some(({ name, outcome }) => name === 'echo' && outcome === 'answered'),
  );
  assert.deepEqual(since?.changes, [{ at: '/message', before: '"delete order 17"', after: '"delete order 18"' }]);

  assert.equal((await api(`${second}/approve`, { method: 'POST' })).status, 200);
  const approved = await history(second, () => true);
  assert.deepEqual(approved.since?.changes, since?.changes, 'it is not compared with itself');

  const other = await world.token('elsewhere');
  assert.equal((await api(`${second}/history`, { as: other })).status, 404, 'its server is not theirs');
  assert.equal((await api(`${second}/history`, { as: await world.token('looker') })).status, 403);
});
