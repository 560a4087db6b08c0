/** What the comparison makes of what the suite reports. The suite itself is run by `npm run conformance`. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../gateway/test/support/folder.ts';
import { type Checks, countOf, countText, losses, readChecks } from './suite.ts';

async function checksOf(statuses: Readonly<Record<string, string>>): Promise<Checks> {
  const folder = join(temporaryFolder('conformance'), 'server-ping-2026-01-01T00');
  await mkdir(folder);
  const checks = Object.entries(statuses).map(([id, status]) => ({ id, status, errorMessage: `said of ${id}` }));
  await writeFile(join(folder, 'checks.json'), JSON.stringify(checks));
  return readChecks(join(folder, '..'));
}

test('a warning is counted apart, and lost where it is there through the gateway only', async () => {
  const direct = await checksOf({ same: 'WARNING', fine: 'SUCCESS', more: 'SUCCESS', worse: 'WARNING', open: 'INFO' });
  const through = await checksOf({ same: 'WARNING', fine: 'SUCCESS', more: 'WARNING', worse: 'FAILURE', open: 'INFO' });
  assert.equal(countText(countOf(direct)), '2 passed, 2 warned, 0 failed');
  assert.equal(countText(countOf(through)), '1 passed, 2 warned, 1 failed');
  assert.deepEqual(losses(direct, through), [
    { check: 'ping:more', message: 'said of more', failed: true },
    { check: 'ping:worse', message: 'said of worse', failed: true },
  ]);
  assert.deepEqual(losses(through, direct), [], 'what is better through the gateway is no loss');
});
