import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { callOf, closeTestLog, openTestLog, temporaryData } from '../../../../test/support/audit-log.ts';
import { keyPlaces } from '../open.ts';
import { nothingDropped } from '../retention/dropped.ts';
import { perform } from './control.ts';

test('only users, agents and applications can be erased', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  const log = await openTestLog(data);
  const { writer, origin, folder, subjects } = log;
  writer.accept(callOf('call-1', 'dana'));
  writer.note({ kind: 'authentication-failed', at: Date.now(), address: '192.0.2.7', detail: {} });
  writer.drain();
  const asked = { folder, keys: keyPlaces(data, 'log'), origin, writer, retain: () => Promise.resolve(nothingDropped) };
  for (const subject of ['gateway', 'unknown', 'overflow', 'user:', 'dana']) {
    const answer = await perform({ do: 'erase', subject }, asked);
    assert.ok(!answer.ok);
    assert.match(`${answer.problem}: ${answer.remedy}`, /cannot be erased: Only user:name, agent:name and application/);
  }
  assert.ok(subjects.find('gateway') !== undefined);
  assert.ok((await perform({ do: 'erase', subject: 'user:dana' }, asked)).ok);
  await closeTestLog(log);
});
