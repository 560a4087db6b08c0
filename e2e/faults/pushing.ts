/** A legacy MCP server that pushes messages, and answers calls, when a test says so. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { InProcessServer } from '../fixtures/in-process.ts';

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
  /** Breaks the connection. */
  cut(): void;
  /** True when the client of this server has given it up. */
  closed(): boolean;
}

export class PushingServer extends InProcessServer {
  readonly received: Message[] = [];
  readonly held: HeldCall[] = [];
  tools: readonly string[] = ['hold', 'plain'];
  /** While it is there, sessions are forgotten, and one begins once it is settled. */
  restart: Promise<void> | undefined;
  #sessions = 0;

  calls(method: string): readonly Message[] {
    return this.received.filter((message) => message.method === method);
  }

  protected take(request: IncomingMessage, response: ServerResponse, body: string): void {
    if (request.method === 'DELETE') return void response.writeHead(200).end();
    if (request.method === 'GET') return this.openStream(response);
    const message = JSON.parse(body) as Message;
    this.received.push(message);
    if (this.restart !== undefined) this.#restarting(message, response);
    else if (message.method === 'server/discover') response.writeHead(400).end();
    else if (message.id === undefined || message.method === undefined) response.writeHead(202).end();
    else if (message.method === 'tools/call' && message.params?.name === 'hold') this.#hold(message, response);
    else this.#reply(message, response);
  }

  #reply({ id, method = '' }: Message, response: ServerResponse): void {
    const session = method === 'initialize' ? { 'mcp-session-id': `session-${++this.#sessions}` } : {};
    response.writeHead(200, { 'content-type': 'application/json', ...session });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: this.#result(method) }));
    if (method === 'tools/list') this.listed();
  }

  /** The list of tools has just been sent. */
  protected listed(): void {}

  #restarting(message: Message, response: ServerResponse): void {
    if (message.method !== 'initialize') return void response.writeHead(404).end();
    void this.restart?.then(() => this.#reply(message, response));
    this.restart = undefined;
  }

  #hold(message: Message, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    response.on('close', () => this.changed());
    this.held.push({
      message,
      send: (sent) => response.write(this.event(sent)),
      answer: (text) => {
        response.end(this.event({ jsonrpc: '2.0', id: message.id, result: { content: [{ type: 'text', text }] } }));
      },
      cut: () => void response.destroy(),
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

  protected event(message: object): string {
    return `data: ${JSON.stringify(message)}\n\n`;
  }
}
