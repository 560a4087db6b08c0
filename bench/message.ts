/** The modern request that wrk sends again and again. */
import { callArguments } from './catalogue.ts';

const version = '2026-07-28';

export interface BenchRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function request(
  method: string,
  params: Readonly<Record<string, unknown>>,
  extra: Readonly<Record<string, string>> = {},
): BenchRequest {
  const name = params['name'];
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
      ...extra,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': version,
          'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  };
}

export function toolCall(name: string, extra: Readonly<Record<string, string>> = {}): BenchRequest {
  return request('tools/call', { name, arguments: callArguments }, extra);
}

export function keyHeader(key: string | undefined): Readonly<Record<string, string>> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}
