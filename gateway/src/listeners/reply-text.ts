/** A reply in JSON-RPC, as the client's era and transport want it. */

import { denialKey } from '../pipeline/denial.ts';
import type { Reply } from '../pipeline/exchange.ts';
import { toWire, type WireError } from '../pipeline/wire-error.ts';
import { errorText, type RequestId } from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/versions.ts';

export interface Written {
  readonly status: number;
  readonly text: string;
  /** Follow the text, so that what is the same for many is not copied for each. */
  readonly middle?: Buffer;
  readonly after?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The request that is answered. */
export interface Asked {
  readonly id: RequestId | undefined;
  readonly method: string;
  readonly era: Era;
  /** Correlation id. */
  readonly reference: string;
}

export function writeReply(reply: Reply, asked: Asked): Written {
  switch (reply.kind) {
    case 'text':
      return { status: 200, text: `{"jsonrpc":"2.0","id":${JSON.stringify(asked.id)},"result":${reply.text}}` };
    case 'result':
      return {
        status: 200,
        text: `{"jsonrpc":"2.0","id":${JSON.stringify(asked.id)},"result":${JSON.stringify(reply.result)}}`,
      };
    case 'pieces': {
      const text = `{"jsonrpc":"2.0","id":${JSON.stringify(asked.id)},"result":${reply.before}`;
      return { status: 200, text, middle: reply.middle, after: `${reply.after}}` };
    }
    case 'error':
      // A modern server's missing capability is an error of the request (2026-07-28, streamable HTTP).
      return {
        status: asked.era === 'modern' && reply.error.code === -32_021 ? 400 : 200,
        text: errorText(asked.id, reply.error),
      };
    case 'refused': {
      const wire = toWire(reply.refusal, { ...asked, note: reply.note, resumed: reply.resumed });
      // A model reads the text of a failed tool and can correct itself; it never sees an error of the protocol.
      const written: Written =
        wire.asToolResult && asked.method === 'tools/call' && asked.id !== undefined
          ? { status: 200, text: toolErrorText(asked, wire) }
          : { status: wire.status, text: errorText(asked.id, wire.error) };
      return wire.headers === undefined ? written : { ...written, headers: wire.headers };
    }
  }
}

function toolErrorText(asked: Asked, { error, denial }: WireError): string {
  const result = {
    ...(asked.era === 'modern' ? { resultType: 'complete' } : {}),
    content: [{ type: 'text', text: error.message }],
    isError: true,
    ...(denial === undefined ? {} : { _meta: { [denialKey]: denial } }),
  };
  return `{"jsonrpc":"2.0","id":${JSON.stringify(asked.id)},"result":${JSON.stringify(result)}}`;
}

/** The whole message as one text, for transports that write lines or events. */
export function wholeText({ text, middle, after }: Written): string {
  return middle === undefined ? text : `${text}${middle.toString()}${after ?? ''}`;
}
