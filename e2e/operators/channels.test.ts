/** Channels: what is sent, where to, how often, what leaves with it, and who can decide from there. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { patienceMs } from '../process.ts';
import { startMailServer, startReceiver } from './receivers.ts';
import { startWorld } from './world.ts';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const env = { HOOK: secret, SIGNING: 'slack-signing-secret' };

test('a signed webhook tells of each state, is repeated until it is taken, and holds no arguments', async () => {
  // The first attempt meets a server in trouble.
  await using receiver = await startReceiver((count) => (count === 0 ? 503 : 204));
  await using world = await startWorld(
    {},
    {
      env,
      channels: {
        ops: {
          webhook: { url: receiver.url, secret: '${env:HOOK}' },
          events: ['approval.pending', 'approval.approved'],
        },
      },
    },
  );
  const id = await world.held('the secret words');
  const [failed, repeated] = [await receiver.next(), await receiver.next()];
  const verified = new Webhook(secret).verify(repeated.body, repeated.headers as Record<string, string>) as {
    readonly type: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
  assert.equal(repeated.headers['webhook-id'], failed.headers['webhook-id']);
  assert.equal(verified.type, 'approval.pending');
  assert.equal(verified.data['id'], id);
  assert.equal(verified.data['link'], `${world.base}/approvals/${id}`);
  assert.doesNotMatch(repeated.body, /secret words/);
  assert.throws(() => new Webhook(secret).verify(`${repeated.body} `, repeated.headers as Record<string, string>));
  assert.equal((await world.sallyport('approval', 'approve', id, '--reason', 'fine')).code, 0);
  const { body } = await receiver.next();
  assert.match(body, /"type":"approval\.approved".*fine/);
});

test('what a receiver refuses is kept, said, and sent again when it is asked for', async () => {
  let status = 400;
  await using receiver = await startReceiver(() => status);
  await using world = await startWorld(
    {},
    {
      env,
      channels: { ops: { webhook: { url: receiver.url, secret: '${env:HOOK}' }, content: true } },
    },
  );
  await world.held('shown');
  assert.match((await receiver.next()).body, /"arguments":\{"message":"shown"\}/);
  const end = Date.now() + patienceMs;
  for (;;) {
    const { stdout } = await world.sallyport('channel', 'dead');
    if (/ops {2}ap_.*it answered 400/.test(stdout)) break;
    assert.ok(Date.now() < end, stdout);
  }
  assert.match(
    await (await fetch(`${world.gateway.admin}/metrics`)).text(),
    /channel_messages_total\{channel="ops",outcome="dead"\} 1/,
  );
  status = 200;
  assert.match((await world.sallyport('channel', 'retry', 'ops')).stdout, /^1 messages/);
  assert.match((await receiver.next()).body, /shown/);
  assert.equal((await world.sallyport('channel', 'test', 'ops')).code, 0);
  assert.match((await receiver.next()).body, /this is a test/);
});

test('Slack: a press counts for the operator that the user is mapped to, and for no other, and not twice', async () => {
  await using receiver = await startReceiver();
  const silent = {
    url: '${env:SLACK}',
    buttons: { signingSecret: '${env:SIGNING}', operators: { U0ERIN: 'erin' } },
  };
  await using world = await startWorld(
    { by: { role: 'approver' } },
    {
      env: { ...env, SLACK: receiver.url },
      channels: {
        team: {
          slack: {
            url: '${env:SLACK}',
            buttons: { signingSecret: '${env:SIGNING}', operators: { U0ERIN: 'erin', U0VIEW: 'view' } },
          },
        },
        elsewhere: { slack: silent, servers: ['other'] },
        second: { slack: silent, events: ['approval.expired'] },
      },
    },
  );
  await world.operator('erin');
  await world.operator('view', '--role', 'viewer');
  const id = await world.held('<!channel> from slack');
  const message = JSON.parse((await receiver.next()).body) as {
    readonly text: string;
    readonly blocks: readonly {
      readonly type: string;
      readonly elements?: readonly { readonly action_id: string; readonly value?: string; readonly url?: string }[];
    }[];
  };
  const elements = message.blocks.flatMap((block) => block.elements ?? []);
  assert.deepEqual(
    elements.map(({ action_id: action }) => action),
    ['open', 'approve', 'reject'],
  );
  const { value = '' } = elements[1] ?? {};
  assert.match(value, new RegExp(`^${id}\\.[\\w-]{22}$`));
  // Approve and Reject never stand beside each other.
  assert.ok(message.blocks.every((block) => (block.elements ?? []).length <= 1));
  const press = async (
    user: string,
    action: string,
    { at = Math.floor(Date.now() / 1_000), key = env.SIGNING, channel = 'team', button = value } = {},
  ): Promise<string> => {
    const payload = {
      type: 'block_actions',
      user: { id: user, name: 'erin' },
      actions: [{ action_id: action, value: button }],
    };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const signature = `v0=${createHmac('sha256', key).update(`v0:${at}:${body}`).digest('hex')}`;
    const response = await fetch(`${world.gateway.admin}/channels/${channel}/slack`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': String(at),
        'x-slack-signature': signature,
      },
      body,
    });
    return `${response.status} ${await response.text()}`;
  };
  assert.match(await press('U0ERIN', 'approve', { key: 'forged' }), /^404/);
  assert.match(await press('U0ERIN', 'approve', { at: Math.floor(Date.now() / 1_000) - 600 }), /^404/);
  assert.match(await press('U0ERIN', 'approve', { channel: 'other' }), /^404/);
  // What the channel is not told of, what the gateway did not send, and what does not exist look the same.
  const absent = await press('U0ERIN', 'approve', { button: `ap_none.${value.split('.')[1]}` });
  assert.match(absent, /no such approval/);
  assert.equal(await press('U0ERIN', 'approve', { channel: 'elsewhere' }), absent);
  for (const button of [id, `${id}.`, `${id}.${'A'.repeat(22)}`, `${value}A`, ''])
    assert.equal(await press('U0ERIN', 'approve', { button }), absent, button);
  // A button of one channel is none of another one that is told of the same.
  assert.equal(await press('U0ERIN', 'approve', { channel: 'second' }), absent);
  assert.match(await press('U0EVIL', 'approve'), /not among those/);
  assert.match(await press('U0VIEW', 'approve'), /not among those/);
  assert.match((await world.session.call('echo', { message: '<!channel> from slack' })).text, /waits for the approval/);
  assert.match(await press('U0ERIN', 'approve'), /is approved/);
  assert.match(await press('U0ERIN', 'reject'), /approved already/);
  assert.equal((await world.session.call('echo', { message: '<!channel> from slack' })).isError, false);
});

test('mail reaches the receivers, with a subject of one line', async () => {
  await using receiver = await startMailServer();
  await using world = await startWorld(
    {},
    {
      channels: {
        mail: { email: { server: receiver.url, from: 'gateway@example.com', to: ['dana@example.com'], plain: true } },
      },
    },
  );
  const id = await world.held('by mail');
  const mail = await receiver.next();
  assert.match(mail, /^Subject: things\/echo waits for a person\r?$/m);
  assert.match(mail, /^To: dana@example\.com\r?$/m);
  assert.match(mail.replaceAll(/=\r?\n/g, ''), new RegExp(`/approvals/${id}`));
});
