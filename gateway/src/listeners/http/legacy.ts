/** GET opens the stream of a legacy session and DELETE ends it (2025-11-25, transports); nothing else uses them. */
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Refusal } from '../../pipeline/refusal.ts';
import { runDone, runRefused, runStream } from '../../pipeline/run.ts';
import { type Arrival, arrivalOf, unreadable } from '../received.ts';
import { writeReply } from '../reply-text.ts';
import { subscribe } from '../subscribe.ts';
import { Answer } from './answer.ts';
import { accepted, headerReader } from './guard.ts';
import { identify } from './identify.ts';
import { noRequest, sendRefusal } from './refuse.ts';
import type { HttpExchange } from './server.ts';
import { openStream } from './stream.ts';

export async function legacyOperation(method: 'GET' | 'DELETE', exchange: HttpExchange): Promise<void> {
  const { request, response, endpoint, context } = exchange;
  request.resume();
  const address = context.addressOf(request);
  const arrival = arrivalOf({ transport: 'http', endpoint, headers: headerReader(request), address });
  const identity = await identify(request, arrival, { context });
  const refuseTo = async (refusal: Refusal): Promise<void> => {
    const message = unreadable(arrival, identity, { method: `(${method})` });
    await runRefused(message, refusal, { snapshot: context.snapshot(), stages: context.stages });
    sendRefusal(response, refusal);
  };
  if (!identity.ok) {
    context.connections.unknown(request.socket);
    response.setHeader('www-authenticate', context.resources.unauthorized(endpoint, identity.refusal));
    return refuseTo(identity.refusal);
  }
  if (!context.connections.known(request.socket, identity.value.key)) return void request.socket.destroy();
  // The caller is authenticated, so this is recorded as a normal exchange.
  const refusal = await operate(method, exchange, { arrival, caller: identity.value });
  if (refusal !== undefined) await refuseTo(refusal);
}

async function operate(
  method: 'GET' | 'DELETE',
  { request, response, context, sessions, keepAlive, endpoint }: HttpExchange,
  { arrival, caller }: { readonly arrival: Arrival; readonly caller: Caller },
): Promise<Refusal | undefined> {
  const id = arrival.headers?.('mcp-session-id');
  if (id === undefined) return { reason: 'http-method', allowed: 'POST' };
  if (id === false) return { reason: 'session-unknown' };
  const found = sessions.find(id, caller, { endpoint, limit: context.bounds().sessions });
  if (!found.ok) return found.refusal;
  const session = found.value;
  session.usedBy(caller);
  const message = { ...unreadable(arrival, { ok: true, value: caller }, { method: `(${method})` }), caller };
  if (method === 'DELETE') {
    sessions.end(id);
    await runDone(message, context.snapshot(), context.stages);
    response.writeHead(204).end();
    return undefined;
  }
  if (!accepted(request.headers.accept).events) return { reason: 'not-acceptable' };
  const opening = await runStream({ ...message, operation: 'stream' }, context.snapshot(), context.stages);
  if (!opening.ok || response.destroyed) {
    if (opening.ok) opening.close();
    else
      new Answer(response, { canStream: false, started: arrival.started }).finish(
        writeReply(opening.reply, noRequest(arrival)),
      );
    return undefined;
  }
  // The session may have ended while the opening was recorded.
  if (!session.hear(() => subscribe(session, arrival, context))) {
    opening.close();
    sendRefusal(response, { reason: 'session-unknown' });
    return undefined;
  }
  openStream(session, { caller, response, context, keepAlive, onClose: () => opening.close() });
  return undefined;
}
