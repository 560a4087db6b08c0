import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerOf, policyOf, withConnections } from '../../../test/support/policy.ts';
import type { Capability } from '../../pipeline/contracts/policy.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { explain } from './explain.ts';

async function ask(connections: string, capability: Capability, args?: JsonObject, agent = 'a', server = 's') {
  const { policy, revision } = await policyOf(withConnections(connections));
  const caller = callerOf({ agent, roles: agent === 'a' ? ['r'] : [] });
  return explain(revision, policy, { caller, server, capability, args, now: 0 });
}

const tool: Capability = { type: 'tool', name: 'x' };
const enforced =
  '- { name: c, from: { agent: a }, to: s, tools: [{ allow: x, when: args.n == 1 }, { deny: x, when: args.n == 2 }] }';

test('every rule on the capability is named with its outcome', async () => {
  const denied = await ask(enforced, tool, { n: 2 });
  assert.equal(denied.allowed, false);
  assert.equal(denied.listed, true);
  assert.deepEqual(
    denied.considered.map(({ text, outcome }) => [text, outcome]),
    [
      ['allow x when args.n == 1', 'condition was false'],
      ['deny x when args.n == 2', 'matched'],
    ],
  );
  assert.match(denied.change, /no allow rule can outweigh it/);
  const failed = await ask(enforced, tool, {});
  assert.deepEqual(
    failed.considered.map(({ outcome }) => outcome),
    ['condition failed', 'condition failed'],
  );
  assert.equal(failed.decision?.effect, 'deny');
  assert.equal(failed.decision?.errors.length, 2);
});

test('each outcome says what would change it', async () => {
  assert.match((await ask(enforced, tool, { n: 1 })).change, /^A deny rule on it/);
  assert.match((await ask(enforced, tool, { n: 3 })).change, /condition at \S+:5:\d+ is true, or another allow rule/);
  assert.match(
    (await ask(enforced, { type: 'prompt', name: 'p' })).change,
    /A rule under "prompts" of the connection "c"/,
  );
  assert.match((await ask(enforced, tool, {}, 'b')).change, /^A connection from agent:b to s/);
  assert.match((await ask(enforced, tool, {}, 'a', 'z')).summary, /There is no server "z"/);
  const watched = await ask('- { name: c, from: { agent: a }, to: s, mode: observe, tools: [{ hold: x }] }', tool);
  assert.equal(watched.allowed, true);
  assert.match(watched.summary, /let through under observation .* \(would be held\): hold x/);
  assert.match(watched.change, /mode: observe/);
  const odd = await ask(enforced, { type: 'resource', uri: 'file:///a/../b' });
  assert.match(odd.summary, /the URI has a dot segment/);
});
