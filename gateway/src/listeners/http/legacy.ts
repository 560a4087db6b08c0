/** GET opens the stream of a legacy session and DELETE ends it (2025-11-25, transports); nothing else uses them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Endpoint } from '../../pipeline/exchange.ts';
import type { Refusal } from '../../pipeline/refusal.ts';
import { runDone, runRefused, runStream } from '../../pipeline/run.ts';
import { arrival, unreadable } from '../received.ts';
import { writeReply } from '../reply-text.ts';
import { hear } from '../subscribe.ts';
import { Answer, type KeepAlive } from './answer.ts';
import { accepted, headerReader } from './guard.ts';
import { identify } from './identify.ts';
import { noRequest, sendRefusal } from './refuse.ts';
import type { HttpFront } from './resources.ts';
import type { Sessions } from './sessions.ts';
import { openStream } from './stream.ts';

export async function legacyOperation(
  method: 'GET' | 'DELETE',
  request: IncomingMessage,
  response: ServerResponse,
  endpoint: Endpoint,
  context: HttpFront,
  sessions: Sessions,
  keepAlive: KeepAlive,
): Promise<void> {
  request.resume();
  const came = arrival('http', endpoint, headerReader(request), context.addressOf(request));
  const identity = await identify(request, came, context);
  if (!identity.ok) {
    await runRefused(
      unreadable(came, identity, 0, `(${method})`),
      identity.refusal,
      context.snapshot(),
      context.stages,
    );
    response.setHeader('www-authenticate', context.resources.unauthorized(endpoint, identity.refusal));
    return sendRefusal(response, identity.refusal);
  }
  context.connections.known(request.socket);
  // Whose it is is known, so it is an exchange as any other.
  const refuseTo = async (refusal: Refusal): Promise<void> => {
    await runRefused(unreadable(came, identity, 0, `(${method})`), refusal, context.snapshot(), context.stages);
    sendRefusal(response, refusal);
  };
  const id = came.headers?.('mcp-session-id');
  if (id === undefined) return refuseTo({ reason: 'http-method', allowed: 'POST' });
  if (id === false) return refuseTo({ reason: 'session-unknown' });
  const found = sessions.find(id, identity.value, endpoint, context.bounds().sessions);
  if (!found.ok) return refuseTo(found.refusal);
  const session = found.value;
  session.usedBy(identity.value);
  const message = { ...unreadable(came, identity, 0, `(${method})`), caller: identity.value };
  if (method === 'DELETE') {
    sessions.end(id);
    await runDone(message, context.snapshot(), context.stages);
    response.writeHead(204).end();
    return;
  }
  if (!accepted(request.headers.accept).events) return refuseTo({ reason: 'not-acceptable' });
  const opening = await runStream({ ...message, operation: 'stream' }, context.snapshot(), context.stages);
  if (!opening.ok || response.destroyed) {
    if (opening.ok) opening.close();
    else new Answer(response, false, came.started).finish(writeReply(opening.reply, noRequest(came)));
    return;
  }
  // The session may have ended while the opening was recorded.
  if (!session.hear(() => hear(session, came, context))) {
    opening.close();
    return sendRefusal(response, { reason: 'session-unknown' });
  }
  openStream(session, identity.value, response, context, keepAlive, () => {
    opening.close();
  });
}
