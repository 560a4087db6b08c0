/** C6: a connection that is left may end at any time, and takes no call along but its own. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { InProcessServer } from '../fixtures/in-process.ts';
import { openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';

interface Asked {
  readonly id?: number;
  readonly method: string;
}

/** A server over HTTP+SSE. Each stream is a session; of those that it has forgotten it says so in every answer. */
class Forgetful extends InProcessServer {
  readonly #open: ServerResponse[] = [];
  readonly #held: (() => void)[] = [];
  #forgotten = 0;

  /** Calls that wait for their answer. */
  get held(): number {
    return this.#held.length;
  }

  get sessions(): number {
    return this.#open.length;
  }

  forget(): void {
    this.#forgotten = this.#open.length;
  }

  endFirst(): void {
    this.#open[0]?.end();
  }

  /** Answers the call that came last. */
  release(): void {
    this.#held.pop()?.();
  }

  protected take(request: IncomingMessage, response: ServerResponse, body: string): void {
    if (request.method === 'GET') {
      this.openStream(response);
      response.write(`event: endpoint\ndata: /mcp?stream=${this.#open.push(response) - 1}\n\n`);
      return;
    }
    const stream = new URL(request.url ?? '', 'http://here').searchParams.get('stream');
    if (stream === null) return void response.writeHead(405).end();
    response.writeHead(202).end();
    const { id, method } = JSON.parse(body) as Asked;
    if (id === undefined) return;
    const say = (said: object): void => {
      this.#open[Number(stream)]?.write(this.event({ jsonrpc: '2.0', id, ...said }));
    };
    if (Number(stream) < this.#forgotten) return say({ error: { code: -32001, message: 'Session not found' } });
    if (method === 'tools/call')
      return void this.#held.push(() => say({ result: { content: [{ type: 'text', text: 'said' }] } }));
    say({ result: results[method] ?? {} });
  }

  protected event(message: object): string {
    return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
  }
}

const results: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2024-11-05',
    capabilities: { tools: {} },
    serverInfo: { name: 'forgetful', version: '1' },
  },
  'tools/list': { tools: [{ name: 'tool', inputSchema: { type: 'object', properties: {} } }] },
};

test('C6: the end of a stream that was left ends no call on the one after it', async () => {
  await using server = await new Forgetful().listen();
  await using gateway = await startGateway(openSettings('client', { forgetful: { url: server.url } }));
  await using client = await openAskingClient(gateway.endpoint('forgetful'), 'legacy');
  const first = client.call('tool');
  await server.until(() => server.held === 1);
  server.forget();
  // Refused on the first stream, made on the second.
  const second = client.call('tool');
  await server.until(() => server.held === 2);
  server.endFirst();
  assert.match(await first, /ended or broke off/);
  server.release();
  assert.equal(await second, 'said');
  const third = client.call('tool');
  await server.until(() => server.held === 2);
  server.release();
  assert.equal(await third, 'said');
  assert.equal(server.sessions, 2);
});
