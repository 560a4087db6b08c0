/** The example as one command: a call that two operators approve, each in its own way, and the proof of it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { openSession } from '../../e2e/clients.ts';
import { startAnnounced } from '../../e2e/process.ts';

const root = join(import.meta.dirname, '..', '..', 'gateway', 'bin');
const gateway = join(root, 'sallyport.js');
const config = join(import.meta.dirname, 'sallyport.yaml');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const secrets = {
  EXAMPLE_HOOK_KEY: `whsec_${randomBytes(32).toString('base64')}`,
  EXAMPLE_SLACK_URL: 'http://127.0.0.1:8876/slack',
  EXAMPLE_SLACK_SECRET: randomBytes(16).toString('hex'),
};
const env = { ...process.env, ...secrets };

function sallyport(...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [gateway, ...args, '--config', config], {
    encoding: 'utf8',
    env,
  });
  return `${stdout}${stderr}`.trim();
}

/** What was received, told once each. */
const received: string[] = [];
/** What the Approve button of the last message in Slack holds. */
let button = '';

/** A receiver of webhooks that checks signatures (Standard Webhooks), and a stand-in for Slack that is as strict. */
const receiver = createServer((request, response) => {
  void text(request).then((body) => {
    const { 'webhook-id': id = '', 'webhook-timestamp': at = '', 'webhook-signature': signature } = request.headers;
    const key = Buffer.from(secrets.EXAMPLE_HOOK_KEY.slice('whsec_'.length), 'base64');
    const wanted = `v1,${createHmac('sha256', key)
      .update(`${String(id)}.${String(at)}.${body}`)
      .digest('base64')}`;
    const read = JSON.parse(body) as {
      readonly type?: string;
      readonly text?: string;
      readonly blocks?: readonly object[];
    };
    const isGood =
      request.url === '/hook' ? signature === wanted : Array.isArray(read.blocks) && read.text !== undefined;
    button = /"action_id":"approve","value":"([^"]+)"/.exec(body)?.[1] ?? button;
    received.push(request.url === '/hook' ? `webhook: ${read.type ?? '?'}` : `Slack: ${read.text ?? '?'}`);
    response.writeHead(isGood ? 200 : 400).end();
  });
});
await new Promise<void>((resolve) => receiver.listen(8876, '127.0.0.1', resolve));

async function until(line: string): Promise<void> {
  for (let round = 0; round < 200; round++) {
    if (received.includes(line)) return say(line);
    await pause(50);
  }
  throw new Error(`never received: ${line}`);
}

/** What Slack sends when a button is pressed. */
async function press(user: string): Promise<string> {
  const payload = { type: 'block_actions', user: { id: user }, actions: [{ action_id: 'approve', value: button }] };
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const at = String(Math.floor(Date.now() / 1_000));
  const mac = createHmac('sha256', secrets.EXAMPLE_SLACK_SECRET).update(`v0:${at}:${body}`).digest('hex');
  const answer = await fetch('http://localhost:8879/channels/slack/slack', {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': at,
      'x-slack-signature': `v0=${mac}`,
    },
    body,
  });
  return ((await answer.json()) as { readonly text: string }).text;
}

// What an earlier run approved would be approved.
rmSync(join(import.meta.dirname, 'data'), { recursive: true, force: true });
const keyOf = ['key', 'create', '--user', 'carol', '--agent', 'agent', '--quiet', '--config', config];
const key = execFileSync(process.execPath, [gateway, ...keyOf], { encoding: 'utf8', env }).trim();
sallyport('operator', 'create', 'erin', '--role', 'approver', '--user', 'erin');
sallyport('operator', 'create', 'frank', '--role', 'approver', '--user', 'frank');
sallyport('operator', 'create', 'carol', '--role', 'approver', '--user', 'carol');
const tokenOf = (name: string): string => sallyport('operator', 'token', name, '--quiet');
const [erin, carol] = [tokenOf('erin'), tokenOf('carol')];

async function approve(token: string, id: string): Promise<string> {
  const answer = await fetch(`http://localhost:8879/api/v1/approvals/${id}/approve`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'the customer asked for it' }),
  });
  const { state, detail } = (await answer.json()) as { readonly state?: string; readonly detail?: string };
  return state ?? detail ?? '?';
}

{
  await using running = await startAnnounced(
    { command: [process.execPath, gateway, 'serve', '--config', config, '--json'], env: secrets },
    (line) => (line as { mcp?: string }).mcp,
  );
  await using session = await openSession('sdk2-legacy', {
    url: `${running.said}/servers/customers/mcp`,
    headers: { authorization: `Bearer ${key}` },
  });
  await session.tools();
  const call = async (id: number): Promise<string> => (await session.call('update_limit', { id, limit: 5_000 })).text;
  const first = await call(17);
  say(`the agent: ${first.replace(/ \(reference.*/, '')}`);
  const id = /ap_[a-z0-9]+/.exec(first)?.[0] ?? '';
  await until('webhook: approval.pending');
  await until('Slack: customers/update_limit waits for a person');
  say(`carol, whose call it is: ${await approve(carol, id)}`);
  say(`erin, with the API: ${await approve(erin, id)}`);
  say(`an unknown user of Slack: ${await press('U0OTHER')}`);
  say(`frank, in Slack: ${await press('U0FRANK')}`);
  await until('webhook: approval.approved');
  say(`the agent, for another customer: ${(await call(18)).slice(0, 49)}`);
  say(`the agent, again: ${await call(17)}`);
  await until('webhook: approval.consumed');
  say(`the agent, once more: ${(await call(17)).slice(0, 49)}`);
  const proof = join(import.meta.dirname, 'data', 'approval.json');
  say(sallyport('approval', 'prove', id, '--out', proof).replace(/^.*: approval/, 'approval'));
  const verified = spawnSync(process.execPath, [join(root, 'sallyport-verify.js'), proof], { encoding: 'utf8' });
  for (const line of verified.stdout.split('\n').filter((each) => each.includes('approved exactly'))) say(line.trim());
}
receiver.close();
receiver.closeAllConnections();
