/** Refusals that are answered without a message that could be read. */
import type { ServerResponse } from 'node:http';
import { type Refusal } from '../../pipeline/refusal.ts';
import { toWire } from '../../pipeline/wire-error.ts';
import { errorText } from '../../protocol/jsonrpc.ts';
import type { Arrival } from '../received.ts';
import type { Asked } from '../reply-text.ts';

/** What a message that was not read is answered as. */
export function noRequest({ id }: Arrival): Asked {
  return { id: undefined, method: '', era: 'modern', reference: id };
}

export function sendRefusal(response: ServerResponse, refusal: Refusal): undefined {
  const wire = toWire(refusal, { era: 'modern', reference: undefined });
  const text = errorText(undefined, wire.error);
  response.writeHead(wire.status, {
    ...wire.headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
