/** The examples that are one command: started, and what they print. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { patienceMs, runToEnd } from './process.ts';

async function run(example: string, within = 2 * patienceMs): Promise<string> {
  const ended = await runToEnd({
    command: [process.execPath, join(import.meta.dirname, '..', 'examples', example, 'run.ts')],
    within,
  });
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout;
}

test('examples/oauth: discover, authorize, call, step up, call; and the same token elsewhere', async () => {
  const said = await run('oauth');
  assert.match(said, /to ask for: tools:read offline_access\necho answers .*hello/);
  assert.match(said, /get-sum answers .*5/);
  assert.match(said, /once more to ask for: .*tools:write/);
  assert.match(said, /the same token at another server: 401 Bearer error="invalid_token", resource_metadata=/);
});

test('examples/mtls: with a certificate, without one, with one that is revoked', async () => {
  assert.equal(
    await run('mtls'),
    'with a certificate: answered with 200\nwithout one: answered with 401\nwith one that is revoked: the connection was ended\n',
  );
});

test('examples/guardrails: one agent sees the budget, none the address, which both can use', async () => {
  const said = await run('guardrails');
  const [planner = '', helper = ''] = said.split(/^helper reads/m);
  assert.match(planner, /"budget":77123.*\n.*"budget":77123/);
  assert.match(planner, /internal_notes/);
  assert.match(helper, /"name":"falcon"/);
  assert.doesNotMatch(helper, /budget|77123|internal_notes/);
  assert.doesNotMatch(said, /lovelace/);
  for (const each of [planner, helper]) assert.match(each, /in the next call: the contact is invited/);
});

test('examples/pins: what changes is hidden until it is approved', async () => {
  const said = await run('pins');
  assert.match(said, /at first contact: read_note, update\nafter the update: update\n/);
  assert.match(said, /and a call from an old list: .*(?:no tool|unknown|not found)/i);
  assert.match(said, /notes\/delete_note {2}pending {2}tool/);
  assert.match(
    said,
    /notes\/read_note {2}changed {2}tool[\s\S]*! \/description: description changed\n.*\{\+.*sidenote/,
  );
  assert.match(said, /used by agents use notes: \*/);
  assert.match(said, /after the approval: read_note, update\n/);
  assert.match(said, /approved by dana: looked at it/);
});

test('examples/containment: the eleventh call hears when, an agent in a loop is stopped, a server that dies comes back', async () => {
  const said = await run('containment');
  assert.match(
    said,
    /busy: order 10 is on its way\nbusy: The limit "ten a minute" is reached, .* Try again in \d second/,
  );
  assert.match(said, /^ten a minute {2}agent:busy {2}\d+ of 10 used/m);
  assert.match(
    said,
    /stuck: order 7 is on its way\nNote of the gateway: this call gave the same result 3 times in a row/,
  );
  assert.match(said, /stuck: This call was made 5 times in a row .*\nstuck: order 7 is cancelled/);
  assert.match(
    said,
    /reader: report of month 7\nreader: The server reports .*\nreader: (?:The server|This tool of the server) reports failed again and again, .* Try again in \d+ seconds?, .*\nreader, of orders: order 8 is on its way\nreader: report of month 7\n$/,
  );
});

test('examples/approvals: two operators approve one call, by the API and in Slack, and the log proves it', async () => {
  const said = await run('approvals', 100_000);
  assert.match(said, /the agent: This call waits for the approval of a person/);
  assert.match(said, /webhook: approval\.pending\nSlack: customers\/update_limit waits for a person\n/);
  assert.match(said, /carol, whose call it is: the call was made for you, .*another person\n/);
  assert.match(
    said,
    /erin, with the API: pending\nan unknown user of Slack: You are not among those who decide here\.\n/,
  );
  assert.match(said, /frank, in Slack: ap_[a-z0-9]+ is approved\.\nwebhook: approval\.approved\n/);
  assert.match(said, /for another customer: This call waits/);
  assert.match(
    said,
    /the agent, again: customer 17 may owe 5000\nwebhook: approval\.consumed\nthe agent, once more: This call waits/,
  );
  assert.match(
    said,
    /operator:erin approved exactly the call that is shown\n.*operator:frank approved exactly the call that is shown\n$/,
  );
});
