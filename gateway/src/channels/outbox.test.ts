/** What waits to be sent: which message of a channel is next. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openOutbox } from './outbox.ts';

test('a message that fails again and again holds up none that come after it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-outbox-'));
  const outbox = openOutbox(folder, Buffer.alloc(32, 3));
  try {
    const message = (id: string) => ({ id, type: 'approval.pending', at: 0, title: '', lines: [], data: {} }) as const;
    const due = (now: number) => outbox.due(now, ['ops']).map(({ message: found }) => found?.id);
    outbox.add('ops', message('first'), 0);
    outbox.add('ops', message('second'), 0);
    const [first] = outbox.due(0, ['ops']);
    assert.equal(first?.message?.id, 'first');
    outbox.failed(first, 0, { problem: 'it answered 503', isFinal: false });
    assert.deepEqual(due(0), ['second']);
    assert.deepEqual(due(0), []);
    assert.deepEqual(due(1_000), ['first']);
  } finally {
    outbox.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
