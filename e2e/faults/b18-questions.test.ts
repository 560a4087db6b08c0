/** What an auditor asks first is one command, and what cannot be undone is asked about. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { startWorld } from '../audit/world.ts';
import { gatewayFile } from '../harness.ts';

const withoutScript = spawnSync('script', ['--version']).status === 0 ? false : 'script(1) makes the terminal';

test('B18: search --denied finds all that was not let through, and show begins with who, what and why', async () => {
  await using world = await startWorld({
    connections: [
      {
        name: 'notes',
        from: { user: ['dana', 'eve'] },
        to: 'notes',
        tools: [{ allow: ['take', 'write'] }, { deny: 'take', when: 'args.note == "forbidden"' }, { hold: 'write' }],
        limits: [{ per: 'user', tools: 'take', calls: '1/h' }],
      },
    ],
  });
  const { sallyport, keys } = world;
  await world.call(keys.dana, 'take', { note: 'fine' });
  await world.call(keys.dana, 'take', { note: 'forbidden' });
  await world.call(keys.dana, 'take', { note: 'one too many' });
  await world.call(keys.eve, 'write', { note: 'held' });
  await world.call(keys.eve, 'hidden');
  await world.call(undefined, 'take', { note: 'without a key' });
  for (const since of ['yesterday', 'today', '2h']) {
    const { stdout } = await sallyport('audit', 'search', '--denied', '--since', since);
    assert.match(stdout, /user:dana .*notes.*deny {2}refused {2}denied/, stdout);
    assert.match(stdout, /user:eve .*hold {2}refused {2}approval-pending/);
    assert.match(stdout, /user:dana .*refused {2}limit-reached/);
    assert.match(stdout, /capability-unknown|hidden/);
    assert.match(stdout, /authentication-failed/);
    assert.doesNotMatch(stdout, /answered/);
  }
  assert.match((await sallyport('audit', 'search', '--denied', '--until', 'yesterday')).stdout, /^No record matches/);
  assert.equal((await sallyport('audit', 'search', '--since', 'tomorrow')).code, 2);
  const found = await sallyport('audit', 'search', '--outcome', 'answered', '--method', 'tools/call', '--json');
  const { records } = JSON.parse(found.stdout) as { records: readonly { seq: number }[] };
  const shown = await sallyport('audit', 'show', String(records[0]?.seq));
  assert.match(
    shown.stdout,
    /^who +user:dana\nwhat +tools\/call notes\/take\nrule +allow notes \S+:\d+:\d+\narguments +.*fine.*\nresult +.*witness was called.*\noutcome +answered\n/,
  );
});

/** Runs a command on a terminal of its own, with something typed. */
async function onTerminal(typed: string, ...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const quoted = [process.execPath, gatewayFile, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', quoted, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  let isTyped = false;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (isTyped || !output.includes('[y/N]')) return;
    isTyped = true;
    child.stdin.write(typed);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

test('B18: on a terminal, lists have columns and colours, and erase asks first', { skip: withoutScript }, async () => {
  await using world = await startWorld();
  const { gateway, sallyport, keys } = world;
  await world.call(keys.dana, 'take', { note: 'fine' });
  await world.call(keys.dana, 'take', { note: 'forbidden' });
  const config = ['--config', gateway.config];
  const { output } = await onTerminal('', 'audit', 'search', '--method', 'tools/call', ...config);
  const [head = '', ...rows] = output.trimEnd().split(/\r?\n/);
  assert.match(head, /^record {2}time +kind +caller +method +what +decision +outcome +reason +id$/);
  const at = head.indexOf('caller');
  assert.equal(rows.length, 2, output);
  // oxlint-disable-next-line no-control-regex -- the colours are what is looked for
  const bare = rows.map((row) => row.replace(/\u001B\[\d+m/g, ''));
  for (const row of bare) assert.equal(row.indexOf('user:dana'), at, output);
  assert.ok(rows.some((row) => row.startsWith('\u001B[31m')) && rows.some((row) => row.startsWith('\u001B[32m')));

  const erase = ['audit', 'erase', '--subject', 'user:dana', ...config];
  const refused = await onTerminal('n\n', ...erase);
  assert.equal(refused.code, 1);
  assert.match(refused.output, /becomes unreadable for good. Go on\? \[y\/N\]/);
  assert.match((await sallyport('audit', 'search', '--method', 'tools/call')).stdout, /user:dana/);
  assert.equal((await onTerminal('', ...erase, '--yes')).code, 0);
  assert.match((await sallyport('audit', 'search', '--method', 'tools/call')).stdout, /\(erased\)/);
});
