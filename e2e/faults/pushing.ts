/** A legacy MCP server that pushes messages, and answers calls, when a test says so. */
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly uri?: string;
    readonly _meta?: { readonly progressToken?: unknown };
  };
}

export interface HeldCall {
  readonly message: Message;
  /** Sends something on the stream of the call. */
  send(message: object): void;
  /** Answers the call. */
  answer(text: string): void;
  /** True when the client of this server has given it up. */
  closed(): boolean;
}

export class PushingServer implements AsyncDisposable {
  readonly received: Message[] = [];
  readonly held: HeldCall[] = [];
  tools: readonly string[] = ['hold', 'plain'];
  readonly #events = new EventEmitter();
  readonly #streams = new Set<ServerResponse>();
  #sessions = 0;
  readonly #server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => this.#answer(request, response, body));
  });

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  /** Waits until this holds; looks again after each request and each end of a stream. */
  async until(holds: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(15_000);
    while (!holds()) await once(this.#events, 'change', { signal });
  }

  /** To every open stream that belongs to no call. */
  push(method: string, params: object = {}): void {
    for (const stream of this.#streams) stream.write(event({ jsonrpc: '2.0', method, params }));
  }

  get streams(): number {
    return this.#streams.size;
  }

  calls(method: string): readonly Message[] {
    return this.received.filter((message) => message.method === method);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    if (request.method === 'DELETE') return void response.writeHead(200).end();
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      this.#streams.add(response);
      response.on('close', () => {
        this.#streams.delete(response);
        this.#events.emit('change');
      });
      this.#events.emit('change');
      return;
    }
    const message = JSON.parse(body) as Message;
    this.received.push(message);
    if (message.method === 'server/discover') response.writeHead(400).end();
    else if (message.id === undefined || message.method === undefined) response.writeHead(202).end();
    else if (message.method === 'tools/call' && message.params?.name === 'hold') this.#hold(message, response);
    else this.#reply(message, response);
    this.#events.emit('change');
  }

  #reply({ id, method = '' }: Message, response: ServerResponse): void {
    const session = method === 'initialize' ? { 'mcp-session-id': `session-${++this.#sessions}` } : {};
    response.writeHead(200, { 'content-type': 'application/json', ...session });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: this.#result(method) }));
  }

  #hold(message: Message, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    response.on('close', () => this.#events.emit('change'));
    this.held.push({
      message,
      send: (sent) => response.write(event(sent)),
      answer: (text) => {
        response.end(event({ jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text }] } }));
      },
      closed: () => response.destroyed,
    });
  }

  #result(method: string): object {
    switch (method) {
      case 'initialize':
        return {
          protocolVersion: '2025-11-25',
          capabilities: {
            tools: { listChanged: true },
            resources: { subscribe: true, listChanged: true },
            logging: {},
          },
          serverInfo: { name: 'pushing', version: '1' },
        };
      case 'tools/list':
        return { tools: this.tools.map((name) => ({ name, inputSchema: { type: 'object', properties: {} } })) };
      case 'resources/list':
        return { resources: ['doc:one', 'doc:two'].map((uri) => ({ uri, name: uri })) };
      case 'resources/templates/list':
        return { resourceTemplates: [] };
      case 'tools/call':
        return { content: [{ type: 'text', text: 'plain answer' }] };
      default:
        return {};
    }
  }
}

function event(message: object): string {
  return `data: ${JSON.stringify(message)}\n\n`;
}
