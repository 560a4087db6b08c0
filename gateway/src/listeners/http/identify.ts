/** Stage 3 over HTTP: what a request brings along to prove its caller. */
import type { IncomingMessage } from 'node:http';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import { type Outcome, refuse } from '../../pipeline/refusal.ts';
import type { Arrival } from '../received.ts';
import type { RequestBody } from './body.ts';
import type { HttpFront } from './resources.ts';

/** How often a header was sent. `name` in lower case. */
export function headerCount({ rawHeaders }: IncomingMessage, name: string): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === name.length && rawHeaders[index]?.toLowerCase() === name) count++;
  return count;
}

export function identify(
  request: IncomingMessage,
  { endpoint, address }: Arrival,
  { context, body }: { readonly context: HttpFront; readonly body?: RequestBody },
): Outcome<Caller> | Promise<Outcome<Caller>> {
  const { headers, socket } = request;
  // Node takes the first of two Authorization headers; another reader may take the last.
  if (headerCount(request, 'authorization') > 1)
    return refuse({ reason: 'credentials-invalid', cause: 'ambiguous', detail: 'more than one Authorization header' });
  return context.identify({
    authorization: headers.authorization,
    headers,
    address,
    transport: 'http',
    resource: context.resources.of(endpoint),
    method: request.method,
    // Who sends it is nearly proved by then, but may have taken token and proof from their owner, whose own share it leaves
    // alone. The address alone would be that of others as well.
    body:
      body === undefined
        ? undefined
        : { limit: context.bounds().body, read: (claimed) => body.whole(`proof ${address ?? ''} ${claimed}`) },
    certificate: context.certificateOf?.(socket),
  });
}
