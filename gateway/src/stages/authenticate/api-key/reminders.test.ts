import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reminders, reminderOf } from './reminders.ts';

const day = 86_400_000;
const key = { id: 'key_1', mac: 'aa', agent: 'demo', createdAt: 0 };

test('old keys and those that end within 14 days are spoken of, and no others', () => {
  assert.equal(reminderOf(key, 90 * day, 90 * day), undefined);
  assert.equal(reminderOf(key, 90 * day, 90 * day + 1), 'old');
  assert.equal(reminderOf(key, undefined, 900 * day), undefined);
  assert.equal(reminderOf({ ...key, expiresAt: 20 * day }, undefined, 5 * day), undefined);
  assert.equal(reminderOf({ ...key, expiresAt: 20 * day }, undefined, 6 * day), 'expires soon');
  assert.equal(reminderOf({ ...key, expiresAt: 20 * day }, day, 20 * day), undefined, 'it has expired');
  assert.equal(reminderOf({ ...key, revokedAt: 1 }, day, 20 * day), undefined);
});

test('each key is spoken of once a day', () => {
  const reminders = new Reminders();
  const said = (now: number) => reminders.due([key, { ...key, id: 'key_2', createdAt: 2 * day }], day, now).length;
  assert.deepEqual([2 * day, 2.5 * day, 2.9 * day, 3 * day, 3.5 * day].map(said), [1, 0, 0, 1, 1]);
});
