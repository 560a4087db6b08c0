/** A disk that is really full, under a running gateway: what the clients of calls under way are told. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RawAnswer } from '../attacks/raw.ts';
import { patienceMs } from '../process.ts';
import { fill, smallDisk } from './small-disk.ts';
import { startWorld } from './world.ts';

/** It needs its room on the disk. */
const incompressible = randomBytes(37_500).toString('base64');

function textOf({ json, body }: RawAnswer): string {
  const [content] = (json?.result?.['content'] ?? []) as readonly { readonly text: string }[];
  return content?.text ?? body;
}

test('a call that was made is never called not made, and a hidden tool stays hidden while the disk is full', async (context) => {
  const folder = await smallDisk(context);
  if (folder === undefined) return context.skip('no file system can be mounted here');
  await using world = await startWorld(
    {
      audit: { onFailure: { read: 'allow', write: 'refuse' } },
      connections: [
        { name: 'notes', from: { user: 'dana' }, to: 'notes', tools: [{ allow: ['take', 'write'] }] },
        { name: 'less', from: { user: 'eve' }, to: 'notes', tools: [{ allow: 'take' }, { deny: 'write' }] },
      ],
    },
    { folder },
  );
  const { dana, eve } = world.keys;
  await world.call(dana, 'take');
  const arrived: ((end: 'answer' | 'break') => void)[] = [];
  const { promise: both, resolve: bothArrived } = Promise.withResolvers<void>();
  world.witness.answer('write', (response, { message }) => {
    arrived.push((end) => {
      const content = [{ type: 'text', text: incompressible }];
      const result = { resultType: 'complete', content };
      if (end === 'break') response.destroy();
      else
        response
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    });
    if (arrived.length === 2) bothArrived();
  });
  const first = world.call(dana, 'write', { note: 'first' });
  const second = world.call(dana, 'write', { note: 'second' });
  await both;
  fill(join(folder, 'data', 'filler'));
  arrived[0]?.('answer');
  const made = textOf(await Promise.race([first, second]));
  assert.match(made, /^The call was made, and its result is withheld because it could not be recorded: do not simply/);
  assert.doesNotMatch(made, /ENOSPC/);
  assert.ok(!made.includes(incompressible.slice(0, 100)));
  arrived[1]?.('break');
  const ends = (await Promise.all([first, second])).map(textOf);
  assert.equal(ends.filter((text) => text.startsWith('The call may have been made, and how it ended')).length, 1);
  const reference = /\(reference (\S+)\)/.exec(made)?.[1] ?? '';
  // The operator finds the reason in the log of the gateway, as the record itself may be what is missing.
  const logged = () =>
    world.gateway
      .errors()
      .split('\n')
      .find((line) => line.includes(`"${reference}"`)) ?? '';
  await world.gateway.until(() => logged().includes('"reason":"result-unrecorded"'));

  // What had not left yet does not leave.
  assert.match(textOf(await world.call(dana, 'write')), /^The call was not made because it could not be recorded/);
  assert.equal(world.witness.calls().filter(({ message }) => message.params['name'] === 'write').length, 2);
  // It is of the tier write, for which calls are refused now; that must not tell it from a name that does not exist.
  const blank = ({ status, body }: RawAnswer, name: string) => `${status} ${body.replaceAll(name, 'X')}`;
  assert.equal(blank(await world.call(eve, 'write'), 'write'), blank(await world.call(eve, 'nowhere'), 'nowhere'));

  rmSync(join(folder, 'data', 'filler'));
  const search = async (): Promise<string> => (await world.sallyport('audit', 'show', reference)).stdout;
  const deadline = Date.now() + patienceMs;
  while (!/outcome: answered/.test(await search())) assert.ok(Date.now() < deadline, await search());
});
