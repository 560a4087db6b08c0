/**
 * A reporter for the test runner, beside the one that people read: fails when no test has a name that was asked for. The
 * runner itself counts a file without such a test as one that passes.
 */
import type { TestEvent } from 'node:test/reporters';

// oxlint-disable-next-line import/no-default-export -- the runner takes that of a module
export default async function* matched(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let found = false;
  for await (const { type, data } of events)
    found ||= type === 'test:fail' || (type === 'test:pass' && !data.name.endsWith('.test.ts'));
  if (found) return;
  process.exitCode = 2;
  yield 'npm test: no test has such a name\n';
}
