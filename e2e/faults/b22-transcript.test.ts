/** B22: what an agent is told when its calls fail: a class, whether to repeat, and one sentence that says what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtherServer } from '../fixtures/other/http.ts';
import { openSettings, startGateway } from '../harness.ts';
import { patienceMs } from '../process.ts';
import { type AskingClient, openAskingClient } from './asking-client.ts';
import { otherProgram } from './other-program.ts';

interface Told {
  readonly text: string;
  readonly denial: { readonly class?: string; readonly retryable?: boolean; readonly reference?: string } | undefined;
}

async function told(client: AskingClient, name: string, args: Record<string, unknown>): Promise<Told> {
  const denialOf = (meta: unknown): Told['denial'] =>
    (meta as Record<string, Told['denial']> | undefined)?.['sallyport/denial'];
  try {
    const result = await client.client.callTool({ name, arguments: args }, { timeout: patienceMs });
    assert.equal(result.isError, true, JSON.stringify(result));
    return {
      text: (result.content as { text: string }[]).map(({ text }) => text).join(),
      denial: denialOf(result._meta),
    };
  } catch (error) {
    const { message, data } = error as { message: string; data?: { _meta?: unknown } };
    return { text: message, denial: denialOf(data?._meta) };
  }
}

test('B22: ten refusals, and what an agent makes of each', async (t) => {
  const schema = {
    type: 'object',
    properties: { count: { type: 'integer', maximum: 10 }, color: { enum: ['red', 'blue'] } },
    required: ['count'],
  } as const;
  await using http = await new OtherServer({ eras: 'legacy', schemas: { pick: schema } }).listen();
  await using program = await otherProgram({ eras: 'legacy' });
  const settings = openSettings('agent', {
    http: { url: http.url, tools: { wait: { timeouts: { total: '1s' } } } },
    program: { command: program.command },
    gone: { url: 'http://127.0.0.1:9/mcp' },
    leaving: { url: http.url, status: 'draining' },
  });
  await using gateway = await startGateway({
    ...settings,
    bounds: { result: '64KiB' },
    connections: [
      {
        name: 'agent',
        from: { agent: 'agent' },
        to: ['http', 'program', 'gone', 'leaving'],
        tools: [
          { deny: 'echo', when: 'args.a > 100', message: 'Amounts above 100 need a ticket: open one first.' },
          { hold: 'log' },
          { deny: 'meta' },
          { allow: '*' },
        ],
      },
    ],
  });
  const refusals = [
    ['http', 'nothing', {}, 'structural', false, /Unknown tool/],
    ['http', 'meta', {}, 'structural', false, /Unknown tool/],
    ['http', 'echo', { a: 101 }, 'permission', false, /Amounts above 100 need a ticket: open one first\./],
    ['http', 'log', {}, 'approval', true, /waits for the approval of a person/],
    ['http', 'pick', { count: 11, color: 'green' }, 'structural', false, /count.*10[\s\S]*color.*red.*blue/],
    ['http', 'echo', { b: 1 }, 'structural', false, /"b" is not an argument of this tool/],
    ['http', 'wait', {}, 'transient', false, /may have been made/],
    ['http', 'big', { a: 100_000 }, 'limit', false, /larger than 65536 bytes/],
    ['program', 'crash', {}, 'transient', false, /may have been made/],
    ['leaving', 'echo', { a: 1 }, 'transient', true, /server/],
    ['gone', 'echo', { a: 1 }, 'transient', true, /cannot be reached/],
  ] as const;
  await using clients = new AsyncDisposableStack();
  for (const [server, tool, args, className, retryable, says] of refusals) {
    const url = server === 'gone' || server === 'leaving' ? `${gateway.mcp}/mcp` : gateway.endpoint(server);
    const name =
      url.endsWith('/servers/http/mcp') || url.endsWith('/servers/program/mcp') ? tool : `${server}__${tool}`;
    const client = clients.use(await openAskingClient(url, 'modern'));
    const { text, denial } = await told(client, name, args);
    t.diagnostic(`${name} ${JSON.stringify(args)}: ${text} ${JSON.stringify(denial)}`);
    assert.match(text, says);
    assert.deepEqual([denial?.class, denial?.retryable], [className, retryable], `${name}: ${text}`);
  }
});
