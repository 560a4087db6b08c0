/** What a client does with the fixture, whatever stands between: everything a person would miss if it did not work. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { Session } from './clients.ts';

export async function makeJourney(t: TestContext, session: Session): Promise<void> {
  await t.test('calls tools', async () => {
    assert.ok((await session.tools()).includes('test_simple_text'));
    const simple = await session.call('test_simple_text', {});
    assert.deepEqual(simple, { text: 'This is a simple text response for testing.', isError: false });
    const failing = await session.call('test_error_handling', {});
    assert.deepEqual(failing, { text: 'This tool intentionally returns an error for testing', isError: true });
  });

  await t.test('reads resources', async () => {
    assert.equal(await session.read('test://static-text'), 'This is the content of the static text resource.');
    assert.match(await session.read('test://template/42/data'), /Data for ID: 42/);
  });

  await t.test('gets prompts', async () => {
    const prompt = await session.prompt('test_prompt_with_arguments', { arg1: 'one', arg2: 'two' });
    assert.equal(prompt, "Prompt with arguments: arg1='one', arg2='two'");
  });

  await t.test('follows a long operation', async () => {
    const seen: number[] = [];
    const told: Promise<unknown>[] = [];
    const key = randomUUID();
    // Each step waits until the client has seen the one before. The SDK loses reports that arrive in one read with the
    // answer: it forgets the token first.
    const onProgress = (step: number): void => {
      seen.push(step);
      told.push(session.call('slow_next', { key }));
    };
    const done = await session.call('slow', { key, steps: 4 }, { onProgress });
    assert.equal(done.text, 'Finished 4 steps');
    assert.deepEqual(seen, [1, 2, 3, 4]);
    await Promise.all(told);
  });

  await t.test('cancels', async () => {
    const key = randomUUID();
    const abort = new AbortController();
    const call = session.call(
      'slow',
      { key, steps: 2 },
      { signal: abort.signal, onProgress: () => abort.abort(new Error('enough')) },
    );
    await assert.rejects(call);
    assert.equal((await session.call('slow_end', { key })).text, 'cancelled');
  });

  await t.test('answers a form', async () => {
    const before = session.forms();
    const { text, isError } = await session.call('ask_form', { message: 'Who are you?' });
    assert.equal(isError, false, text);
    assert.match(text, new RegExp(`action=accept.*${session.answers['name']}`));
    assert.equal(session.forms(), before + 1);
  });
}
