/** Held calls while the disk is full: nothing is approved, spent or made, it is no bug, and afterwards it goes on. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fill, smallDisk } from '../audit/small-disk.ts';
import { patienceMs } from '../process.ts';
import { startWorld } from './world.ts';

const notRecorded = /could not be recorded/;

test('approvals on a full disk are asked for, decided and spent when there is room again', async (context) => {
  const folder = await smallDisk(context, 8);
  if (folder === undefined) return context.skip('no file system can be mounted here');
  await using world = await startWorld({}, { folder });
  const { session, sallyport, gateway } = world;
  const call = async (message: string): Promise<string> => (await session.call('echo', { message })).text;
  const isReady = async (): Promise<boolean> => (await fetch(`${gateway.admin}/readyz`)).status === 200;
  const waiting = await world.held('waiting');
  const approved = await world.held('approved');
  assert.equal((await sallyport('approval', 'approve', approved)).code, 0);
  const filler = join(folder, 'data', 'filler');
  fill(filler);
  // The journal of the database may have room for some more.
  for (let n = 0; !notRecorded.test(await call(`new ${n}`)); n++) assert.ok(n < 15);
  for (const message of ['new', 'approved', 'approved']) assert.match(await call(message), notRecorded);
  for (const verdict of ['approve', 'reject']) {
    const { code, stderr } = await sallyport('approval', verdict, waiting, '--reason', 'full');
    assert.equal(code, 66, stderr);
    assert.match(stderr, /the disk has not taken the decision/);
  }
  for (const args of [
    ['server', 'disable', 'other', '--reason', 'full'],
    ['operator', 'create', 'erin', '--role', 'approver'],
    ['key', 'create', '--agent', 'asker'],
  ]) {
    const { code, stderr } = await sallyport(...args);
    assert.equal(code, 66, stderr);
    assert.match(stderr, /the data folder cannot be written: database or disk is full/);
  }
  assert.doesNotMatch(gateway.errors(), /bug: please report it/);
  rmSync(filler);
  for (const deadline = Date.now() + patienceMs; !(await isReady()); await pause(50)) assert.ok(Date.now() < deadline);
  assert.match(await call('waiting'), new RegExp(waiting));
  assert.equal((await sallyport('approval', 'approve', waiting)).code, 0);
  for (const message of ['waiting', 'approved']) {
    assert.match(await call(message), new RegExp(`^Echo: ${message}`));
    assert.match(await call(message), /waits for the approval/);
  }
});
