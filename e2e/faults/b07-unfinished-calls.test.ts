/** B7: a call that the server may have had is told and recorded as that, and never as one that was not made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { fixtureCommand, openSettings, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { sallyportWith } from './commands.ts';

const made = /may have been made/;

test('B7: crash, cut and time-out after a call was sent', async () => {
  const tools = [
    { name: 'write' },
    { name: 'reading', annotations: { readOnlyHint: true } },
    { name: 'idempotent', annotations: { idempotentHint: true } },
    { name: 'declared' },
  ];
  await using witness = await startWitness(tools);
  await using gateway = await startGateway({
    ...openSettings('client', {
      witness: { url: witness.url, tools: { declared: { tier: 'read' } } },
      process: { command: fixtureCommand('legacy') },
      gone: { url: 'http://127.0.0.1:1/mcp' },
    }),
    bounds: { firstByte: '1s' },
  });
  const call = async (server: string, tool: string, args: object = {}) => {
    const { status, json, body } = await sendRaw({
      url: gateway.endpoint(server),
      headers: modernHeaders('tools/call', tool),
      body: modernCall(tool, args),
      within: patienceMs,
    });
    assert.equal(status, 200, body);
    const [content] = (json?.result?.['content'] ?? []) as { text: string }[];
    const denials = json?.result?.['_meta'] as Record<string, { retryable: boolean; class: string }> | undefined;
    return { text: content?.text ?? body, denial: denials?.['sallyport/denial'] };
  };
  const cutting = (tool: string) => witness.answer(tool, (response) => response.destroy());
  for (const tool of ['write', 'reading', 'idempotent', 'declared']) cutting(tool);

  const cut = await call('witness', 'write');
  assert.match(cut.text, made);
  assert.match(cut.text, /do not simply repeat it/);
  assert.deepEqual([cut.denial?.class, cut.denial?.retryable], ['transient', false]);
  for (const tool of ['reading', 'idempotent', 'declared']) {
    const answer = await call('witness', tool);
    assert.match(answer.text, made, tool);
    assert.equal(answer.denial?.retryable, true, tool);
  }
  witness.answer('write', (response) => response.writeHead(503).end());
  assert.match((await call('witness', 'write')).text, made);
  witness.answer('write', () => {});
  const late = await call('witness', 'write');
  assert.match(late.text, /did not answer in time: the call may have been made/);
  // A busy machine starts the process in more than the second that an answer may take here.
  for (let tries = 0; tries < 20; tries++) if (!/cannot be reached/.test((await call('process', 'absent')).text)) break;
  assert.match((await call('process', 'exit_process', { code: 3 })).text, made);

  // What never left may be tried again.
  witness.answer('write', (response) => response.writeHead(403).end());
  for (const [server, tool] of [
    ['gone', 'write'],
    ['witness', 'write'],
  ] as const) {
    const answer = await call(server, tool);
    assert.match(answer.text, /cannot be reached/, server);
    assert.equal(answer.denial?.retryable, true, server);
  }

  const search = async (outcome: string) => {
    const { stdout } = await sallyportWith(
      '',
      'audit',
      'search',
      '--outcome',
      outcome,
      '--json',
      '--config',
      gateway.config,
    );
    return stdout.split('call-unfinished').length - 1;
  };
  assert.ok((await search('unknown')) >= 7);
  assert.equal(await search('refused'), 0);
});
