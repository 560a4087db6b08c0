/** Circuits: what opens them, for which callers and tools, one probe, pauses that grow, and their bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf } from '../../../../test/support/policy.ts';
import type { BreakerCall } from '../../../pipeline/contracts/breaker.ts';
import type { Reply } from '../../../pipeline/exchange.ts';
import type { Refusal } from '../../../pipeline/refusal.ts';
import { type BreakerEvent, CircuitBreaker } from './breaker.ts';
import type { BreakerSettings } from './circuit.ts';
import { RollingWindow } from './window.ts';

const settings: BreakerSettings = {
  failures: 5,
  share: 0.5,
  calls: 20,
  windowMs: 60_000,
  pauseMs: 1_000,
  longestPauseMs: 8_000,
};
const [ada, bob] = [callerOf({ agent: 'ada' }), callerOf({ agent: 'bob' })];
const detail = '';
const answered: Reply = { kind: 'text', text: '{}' };
const fails = (refusal: Refusal): Reply => ({ kind: 'refused', refusal });
const late = fails({ reason: 'call-unfinished', server: 's', how: 'timeout', repeatable: false, detail });
const gone = fails({ reason: 'server-unavailable', server: 's', detail });

function world() {
  const events: BreakerEvent[] = [];
  let now = 1_000_000;
  const breaker = new CircuitBreaker({ now: () => now, onEvent: (event) => events.push(event), onRefused: () => {} });
  breaker.configure({ s: settings, t: settings });
  const callAt = (part: string, caller = ada, server = 's'): BreakerCall => ({ server, part, caller, started: now });
  /** How it was refused, or what the end of it was. */
  const call = (reply: Reply, part = 'a', caller = ada, server = 's'): 'refused' | 'probe' | 'call' => {
    const asked = callAt(part, caller, server);
    const entered = breaker.enter(asked);
    if (!entered.ok) {
      breaker.saw(asked, fails(entered.refusal), { forwarded: false });
      return 'refused';
    }
    breaker.saw(asked, reply, { probe: entered.value, forwarded: true });
    return entered.value === undefined ? 'call' : 'probe';
  };
  const times = (count: number, ...what: Parameters<typeof call>): void => {
    for (let at = 0; at < count; at++) assert.equal(call(...what), 'call');
  };
  return { breaker, events, call, callAt, times, pass: (ms: number) => (now += ms) };
}

test('five connections that fail in a row open the server for every caller and tool, and no other server', () => {
  const { call, times, events, breaker } = world();
  times(4, gone);
  times(1, answered);
  times(5, gone);
  assert.equal(call(answered, 'b', bob), 'refused');
  assert.equal(call(answered, 'b', bob, 't'), 'call');
  const [event] = events;
  assert.equal(event?.why, '5 failures in a row');
  assert.deepEqual(event?.scope, { server: 's' });
  const refusal = breaker.refusal({ server: 's', caller: bob, started: 0 });
  assert.ok(refusal?.reason === 'breaker-open' && [1, 2].includes(refusal.seconds), 'a second, give or take a fifth');
});

test('what times out for one caller opens the tool for that caller, and for all once another one meets it', () => {
  const { call, times } = world();
  times(5, late);
  assert.equal(call(answered), 'refused');
  assert.equal(call(answered, 'b'), 'call', 'another tool');
  times(1, late, 'a', bob);
  assert.equal(call(answered, 'a', callerOf({ agent: 'eve' })), 'refused', 'another caller, after two have failed');
  assert.equal(call(answered, 'b', bob), 'call');
});

test('two tools that time out in turns open the server for the caller', () => {
  const { call, times } = world();
  for (const tool of ['a', 'b', 'a', 'b', 'a']) times(1, late, tool);
  assert.equal(call(answered, 'c'), 'refused');
  assert.equal(call(answered, 'c', bob), 'call');
});

test('a share of failures opens it as well, once there are enough calls, and old ones are forgotten', () => {
  const { call, times, events, pass } = world();
  times(1, gone);
  for (let at = 0; at < 9; at++) {
    times(1, answered);
    times(1, gone);
  }
  assert.equal(events.length, 0);
  pass(70_000);
  times(1, answered);
  times(1, gone);
  assert.equal(events.length, 0, 'the window is over');
  for (let at = 0; at < 9; at++) {
    times(1, answered);
    times(1, gone);
  }
  assert.equal(call(answered), 'refused');
  assert.equal(events[0]?.why, '10 of 20 calls failed');
});

test('one probe at a time; its end closes the circuit, or opens it for twice as long, up to the bound', () => {
  const { breaker, callAt, call, times, events, pass } = world();
  times(5, gone);
  const leftMs = (): number => breaker.open()[0]?.leftMs ?? 0;
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 8_000]) {
    assert.ok(leftMs() >= pauseMs * 0.8 && leftMs() <= Math.min(8_000, pauseMs * 1.2), `${leftMs()} of ${pauseMs}`);
    pass(leftMs());
    const asked = callAt('a');
    const entered = breaker.enter(asked);
    assert.ok(entered.ok && entered.value !== undefined);
    assert.equal(call(answered), 'refused', 'while the probe is under way');
    breaker.saw(asked, gone, { probe: entered.value, forwarded: true });
    assert.equal(call(answered), 'refused');
  }
  pass(10_000);
  assert.equal(call(answered), 'probe');
  assert.equal(call(answered), 'call');
  assert.deepEqual(
    events.map(({ what }) => what),
    ['opened', 'closed'],
  );
  assert.ok((events[1]?.refused ?? 0) >= 10);
  // What fails again soon goes on with the pause that it had.
  times(5, gone);
  assert.ok(leftMs() > 6_000, String(leftMs()));
});

test('a caller whose probe of a tool failed lets others probe first', () => {
  const { call, times, pass } = world();
  times(4, late);
  times(1, late, 'a', bob);
  assert.equal(call(answered), 'refused');
  pass(1_200);
  assert.equal(call(late), 'probe');
  pass(2_400);
  assert.equal(call(late), 'refused', 'the same one');
  assert.equal(call(answered, 'a', bob), 'probe');
  assert.equal(call(answered), 'call');
});

test('a caller that cancels its probe lets others probe first, and then may try again', () => {
  const { call, times, pass } = world();
  times(5, gone);
  pass(2_000);
  const cancelled = fails({ reason: 'cancelled' });
  assert.equal(call(cancelled), 'probe');
  assert.equal(call(cancelled), 'refused', 'the same one');
  assert.equal(call(cancelled, 'a', bob), 'probe');
  assert.equal(call(cancelled), 'probe');
  pass(1_000);
  assert.equal(call(cancelled), 'probe', 'where no other one comes');
});

test('a probe that takes longer than a pause keeps no other caller from trying, and its own one is none', () => {
  const { breaker, callAt, call, times, pass } = world();
  times(5, gone);
  pass(1_200);
  const entered = breaker.enter(callAt('a'));
  assert.ok(entered.ok && entered.value !== undefined);
  assert.equal(call(answered, 'a', bob), 'refused');
  pass(1_000);
  assert.equal(call(answered), 'refused', 'the same one');
  assert.equal(call(answered, 'a', bob), 'probe');
  assert.equal(call(answered), 'call');
});

test('a caller whose probe of a server timed out lets others probe first', () => {
  const { call, times, pass } = world();
  times(4, late, 'a');
  times(1, late, 'b', bob);
  assert.equal(call(answered, 'c', callerOf({ agent: 'eve' })), 'refused');
  pass(1_200);
  assert.equal(call(late, 'a'), 'probe');
  pass(2_400);
  assert.equal(call(late, 'b'), 'refused', 'the same one');
  assert.equal(call(answered, 'c', bob), 'probe');
  assert.equal(call(answered), 'call');
});

test('an earlier failure that is told again is given back', () => {
  const { call, times, pass } = world();
  times(5, gone);
  pass(2_000);
  assert.equal(call(fails({ reason: 'server-unavailable', server: 's', fault: 'known', detail })), 'probe');
  assert.equal(call(answered), 'probe');
  assert.equal(call(answered), 'call');
});

test('what is no fault of the server opens nothing', () => {
  const { times, breaker } = world();
  times(50, fails({ reason: 'cancelled' }));
  times(50, fails({ reason: 'server-unavailable', server: 's', fault: 'none', detail }));
  times(50, fails({ reason: 'server-limited', server: 's', seconds: 1, detail }));
  times(50, fails({ reason: 'account-required', server: 's', detail, prompt: { server: 's', id: 'i' } }));
  assert.equal(breaker.size, 0);
});

test('calls that began before the circuit closed do not open it again', () => {
  const { breaker, callAt, call, times, pass, events } = world();
  const before = callAt('a');
  times(5, gone);
  pass(2_000);
  assert.equal(call(answered), 'probe');
  for (let at = 0; at < 10; at++) breaker.saw(before, late, { forwarded: true });
  assert.equal(events.length, 2);
  assert.equal(call(answered), 'call');
});

test('it is forgotten once nothing fails, when its server goes, and takes bounded room', () => {
  const { breaker, callAt, times, pass } = world();
  for (let at = 0; at < 5_000; at++) breaker.saw(callAt(`tool-${at}`), late, { forwarded: true });
  assert.ok(breaker.size <= 2_000, String(breaker.size));
  // One that is open is kept for an hour after it could be probed.
  pass(3_700_000);
  breaker.sweep();
  assert.equal(breaker.size, 0);
  times(5, gone);
  breaker.configure({ s: { ...settings, failures: 6 } });
  assert.equal(breaker.size, 0);
  breaker.configure({});
  times(50, gone);
  assert.equal(breaker.size, 0);
});

test('the window counts what was within its time', () => {
  const window = new RollingWindow(1_000, 5_000);
  window.add(true, 5_000);
  window.add(false, 5_450);
  assert.deepEqual(window.counts(5_899), { good: 1, bad: 1 });
  assert.deepEqual(window.counts(6_100), { good: 0, bad: 1 });
  assert.deepEqual(window.counts(900_000), { good: 0, bad: 0 });
});
