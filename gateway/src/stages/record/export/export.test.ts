import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { About, ArchivedRecord } from '../read/archive.ts';
import { cef } from './cef.ts';
import { ndjson } from './ndjson.ts';
import { ocsfEvent } from './ocsf.ts';

const record: ArchivedRecord = {
  seq: 7,
  entry: Buffer.alloc(0),
  fields: {
    v: 3,
    seq: 7,
    kind: 'intent',
    written: 5,
    time: 4,
    subject: 'ab',
    id: 'call-1',
    method: 'tools/call',
    server: 'notes',
    tier: 'write',
    capability: { type: 'tool', name: 'put|x' },
    decision: { effect: 'allow', connection: 'c', place: 'sallyport.yaml:3:4' },
  },
  privacy: 'open',
  parts: { about: '', arguments: '{"a":1}', result: '' },
  about: { user: 'dana=admin\nCEF:0|fake', address: '192.0.2.7' },
};
const outcome: ArchivedRecord = {
  seq: 8,
  entry: Buffer.alloc(0),
  fields: {
    v: 3,
    seq: 8,
    kind: 'outcome',
    written: 6,
    subject: 'ab',
    id: 'call-1',
    parent: 7,
    outcome: 'error',
    code: -32000,
  },
  privacy: 'none',
};
const event = { origin: 'log', record, outcome };

test('an exchange is API activity of OCSF, with its end', () => {
  const made = ocsfEvent(event) as Record<string, unknown>;
  assert.deepEqual(
    [made['class_uid'], made['category_uid'], made['activity_id'], made['type_uid'], made['status_id'], made['time']],
    [6003, 6, 3, 600_303, 2, 4],
  );
  assert.deepEqual(made['api'], {
    operation: 'put|x',
    service: { name: 'notes' },
    request: { uid: 'call-1', data: { arguments: '{"a":1}' } },
    response: { message: 'error', code: -32000 },
  });
});

test('user, agent and application are all carried, in OCSF and in CEF', () => {
  const by = (about: About) => ({ ...event, record: { ...record, about } });
  const of = (about: About) => {
    const { actor, unmapped } = ocsfEvent(by(about)) as { actor: object; unmapped?: object };
    return [actor, unmapped];
  };
  const mcp = { mcp_method: 'tools/call', mcp_name: 'put|x', correlation_id: 'call-1' };
  const all = { user: 'dana', agent: 'bot', application: 'desk' };
  assert.deepEqual(of(all), [
    { user: { name: 'dana', uid: 'ab' }, app_name: 'desk' },
    { caller: all, ...mcp },
  ]);
  assert.deepEqual(of({ user: 'dana', agent: 'bot' }), [
    { user: { name: 'dana', uid: 'ab' }, app_name: 'bot' },
    { caller: { user: 'dana', agent: 'bot' }, ...mcp },
  ]);
  assert.deepEqual(of({ agent: 'bot' }), [
    { user: { name: 'bot', uid: 'ab' }, app_name: 'bot' },
    { caller: { agent: 'bot' }, ...mcp },
  ]);
  assert.deepEqual(of({ address: '192.0.2.7' }), [{ user: { name: 'unknown', uid: 'ab' } }, mcp]);
  const delegation = ['dana', 'planner'];
  assert.deepEqual(of({ user: 'dana', delegation })[1], {
    caller: { user: 'dana' },
    ...mcp,
    delegation_path: 'dana > planner',
  });
  assert.match(
    cef.line(by({ delegation })),
    / mcp_method=tools\/call mcp_name=put\|x correlation_id=call-1 delegation_path=dana > planner$/,
  );
  assert.match(cef.line(by(all)), / suser=dana .* cs3Label=agent cs3=bot cs4Label=application cs4=desk/);
  assert.doesNotMatch(cef.line(by({ user: 'dana' })), /cs3|cs4/);
});

test('other records have the classes that fit them', () => {
  const of = (kind: string) =>
    (ocsfEvent({ origin: 'log', record: { ...outcome, fields: { ...outcome.fields, kind } } }) as { class_uid: number })
      .class_uid;
  assert.deepEqual(
    ['authentication-failed', 'authentication-throttled', 'key-revoked', 'secret-rotated', 'start', 'clock'].map(of),
    [3002, 3002, 3004, 3004, 6002, 2004],
  );
  const refused = { origin: 'log', record: { ...record, fields: { ...record.fields, kind: 'request-refused' } } };
  const { class_uid, status_id } = ocsfEvent(refused) as Record<string, unknown>;
  assert.deepEqual([of('client-request'), class_uid, status_id], [6003, 6003, 2]);
  assert.match(cef.line(refused), /\|request-refused\|request-refused\|5\|/);
});

test('no value can end a CEF line or begin another field', () => {
  const line = cef.line(event);
  assert.equal(line.split('\n').length, 1);
  assert.match(line, /suser=dana\\=admin\\nCEF:0\|fake /);
  assert.match(line, /^CEF:0\|Sallyport\|sallyport\|[^|]+\|intent\|exchange error\|2\|rt=4 /);
});

test('NDJSON is one line with both records', () => {
  const line = ndjson.line(event);
  assert.equal(line.split('\n').length, 1);
  assert.equal((JSON.parse(line) as { outcomeRecord: { seq: number } }).outcomeRecord.seq, 8);
});
