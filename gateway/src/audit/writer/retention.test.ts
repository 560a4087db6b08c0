import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  callerNamed,
  closeTestLog,
  endOf,
  factsOf,
  openTestLog,
  temporaryData,
} from '../../../test/support/audit-log.ts';
import { endMessage, intentMessage } from '../record/message.ts';

const program = join(import.meta.dirname, '..', '..', '..', 'bin', 'sallyport-verify.js');
const day = 86_400_000;

function verify(folder: string): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, folder], { encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}

test('private parts go by tier and age, bundles later, and what is left verifies', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  let time = Date.UTC(2030, 0, 1);
  const now = (): number => time;
  // Segments end at 16,384 records; each opening begins a new one, which is quicker here.
  for (let segment = 0; segment < 4; segment++) {
    const log = await openTestLog(data, { now });
    for (let call = 0; call < 300; call++) {
      const facts = {
        ...factsOf(`${segment}-${call}`, 'dana', time),
        tier: call % 2 === 0 ? ('read' as const) : ('write' as const),
      };
      log.writer.accept([
        intentMessage({ ...facts, caller: callerNamed('dana') }),
        endMessage(facts, endOf(time), true),
      ]);
    }
    log.writer.drain();
    await closeTestLog(log);
    time += 10 * day;
  }
  const log = await openTestLog(data, { now });
  const first = log.writer.retain({ read: 25 * day, write: 35 * day });
  assert.deepEqual(Object.keys(first.tiers), ['read', 'write']);
  assert.ok((first.tiers.read ?? 0) > (first.tiers.write ?? 0));
  assert.equal(verify(log.folder).code, 0, verify(log.folder).text);
  assert.match(verify(log.folder).text, /[1-9]\d* dropped by retention/);
  const again = log.writer.retain({ read: 25 * day, write: 35 * day });
  assert.deepEqual(again, { tiers: {}, entries: 0 });

  const second = log.writer.retain({ read: day, write: day, destructive: day, records: 15 * day });
  assert.ok(second.entries >= 256);
  assert.equal(existsSync(join(log.folder, 'tile/entries/000')), false);
  assert.ok(readdirSync(join(log.folder, 'segments')).length < 5);
  await closeTestLog(log);
  const { code, text } = verify(log.folder);
  assert.equal(code, 0, text);
  assert.match(text, new RegExp(`the first ${second.entries} records were dropped by retention`));
  // It opens, goes on and verifies.
  const opened = await openTestLog(data, { now });
  opened.writer.accept([intentMessage(factsOf('after', 'dana', time))]);
  opened.writer.drain();
  await closeTestLog(opened);
  assert.equal(verify(log.folder).code, 0);
});
