/** The HTTP listener: routes, guards, and the life of a connection. The MCP endpoints and nothing else. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Configuration } from '../../config/schema/index.ts';
import { Cancellation } from '../../pipeline/cancellation.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Endpoint } from '../../pipeline/exchange.ts';
import type { Outcome, Refusal } from '../../pipeline/refusal.ts';
import { Shares } from '../../pipeline/shares.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { messageBounds } from '../../protocol/message-bounds.ts';
import { createServer } from '../../protocol/node-http.ts';
import type { ListenerContext } from '../context.ts';
import { type Incoming, refused } from '../dispatch.ts';
import { type Arrival, arrivalOf } from '../received.ts';
import { Answer, KeepAlive } from './answer.ts';
import { answerUnread, type BodyResult, RequestBody } from './body.ts';
import { clientAddressOf } from './client-address.ts';
import { Connections } from './connections.ts';
import { allowOrigin, preflight } from './cors.ts';
import {
  accepted,
  type Guard,
  headerReader,
  isEncoded,
  isJson,
  makeGuard,
  nameIn,
  publicBase,
  routeOf,
} from './guard.ts';
import { headerCount, identify } from './identify.ts';
import { legacyOperation } from './legacy.ts';
import { maxConnectionsWithin } from './open-files.ts';
import { formAllowed, pagePath, showPage } from './pages.ts';
import { Pipelined } from './pipelined.ts';
import { handlePost } from './post.ts';
import { sendRefusal } from './refuse.ts';
import { type HttpFront, Resources } from './resources.ts';
import { type EndedSessions, Sessions } from './sessions.ts';
import { type TlsLog, tlsListener } from './tls.ts';
import { type Ending, UnderWay } from './under-way.ts';

export interface HttpListener {
  readonly port: number;
  /** Under which clients reach it, without a slash at the end. */
  readonly base: string;
  /** Refuses what comes, waits for what is under way for at most `drain` milliseconds, then closes everything. */
  close(drain: number): Promise<void>;
}

/** Of the files that the process may open: the part that connections of clients may take. */
const fileShare = 0.75;
const sweepIntervalMs = 60_000;
/** Milliseconds for which clients of a stopping gateway get 503, when there are any. */
const farewellMs = 250;
const silent: TlsLog = { warn: () => {} };

export async function listenHttp(
  listen: Configuration['listen']['mcp'],
  context: ListenerContext,
  { ended, log = silent }: { readonly ended: EndedSessions; readonly log?: TlsLog },
): Promise<HttpListener> {
  const bounds = context.bounds();
  const sessions = new Sessions(context.sessionSeal, ended);
  const keepAlive = new KeepAlive(() => context.bounds().keepAlive);
  const bodies = new Shares(messageBounds);
  context.table('sessions', () => sessions.size);
  context.table('body_bytes', () => bodies.size);
  let front: Front | undefined;
  const requests = new UnderWay();
  const pipelined = new Pipelined();
  const connections = new Connections({
    max: maxConnectionsWithin(bounds.connections, fileShare),
    proxies: listen.behindProxy,
    log,
    remedy: 'raise bounds.connections and the limit on open files',
  });
  const options = {
    maxHeaderSize: bounds.headers,
    keepAliveTimeout: 65_000,
    headersTimeout: 10_000,
    requestTimeout: 60_000,
    connectionsCheckingInterval: 2_000,
    insecureHTTPParser: false,
    requireHostHeader: true,
  };
  const begin = (request: IncomingMessage, response: ServerResponse): void => {
    if (front === undefined) return void response.destroy();
    // A response that fails has lost its client, which `close` says as well; without a listener the process would end.
    response.on('error', destroyed);
    const ending = requests.begin(response);
    handle(request, response, { front, ending })?.catch((error: unknown) => {
      context.stages.onBug(error, '-');
      response.destroy();
    });
  };
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    const ahead = connections.asked(request.socket, response);
    if (pipelined.isNext(request, { response, ahead }, begin)) begin(request, response);
  };
  const tls = listen.tls === undefined ? undefined : tlsListener(listen.tls, { options, handler, log });
  const server: Server = tls?.server ?? createServer(options, handler);
  server.maxRequestsPerSocket = 0;
  connections.watch(server);
  context.table('connections', () => connections.count);
  context.table('pipelined_bytes', () => pipelined.bytes);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: listen.host, port: listen.port, backlog: 1024 }, () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const clientAddress = clientAddressOf(listen.behindProxy);
  const named: HttpFront = {
    ...context,
    ...(tls === undefined ? {} : { certificateOf: (socket: Socket) => tls.certificateOf(socket) }),
    addressOf: ({ socket, headers }) => clientAddress(socket.remoteAddress, headers['x-forwarded-for']),
    bodies,
    connections,
    resources: new Resources(publicBase(listen, port), () => context.authorizationServers()),
  };
  front = { guard: makeGuard(listen, port), context: named, sessions, keepAlive };
  const sweeper = setInterval(() => sessions.sweep(Date.now()), sweepIntervalMs);
  sweeper.unref();
  return {
    port,
    base: publicBase(listen, port).replace(/\/+$/, ''),
    async close(drain) {
      clearInterval(sweeper);
      tls?.close();
      await closeServer(server, drain, requests);
      keepAlive.close();
      sessions.close();
    },
  };
}

/**
 * While calls are under way, and for a moment after the last client was there, new connections are still taken: what they
 * bring gets 503 and where to go on, which a reset would not say.
 */
async function closeServer(server: Server, drain: number, requests: UnderWay): Promise<void> {
  await requests.over(server, Math.min(farewellMs, drain), drain);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), requests.count === 0 ? farewellMs : 0);
  await closed;
  clearTimeout(timer);
}

/** A request at an MCP endpoint, with what answers it. */
export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly endpoint: Endpoint;
  readonly context: HttpFront;
  readonly sessions: Sessions;
  readonly keepAlive: KeepAlive;
  readonly ending: Ending;
}

/** What all requests of a listener share. */
interface Front extends Pick<HttpExchange, 'context' | 'sessions' | 'keepAlive'> {
  readonly guard: Guard;
}

function destroyed(this: ServerResponse): void {
  this.destroy();
}

function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { front, ending }: { readonly front: Front; readonly ending: Ending },
): Promise<void> | undefined {
  const { guard, context, sessions, keepAlive } = front;
  const { headers, method } = request;
  const reject = (refusal: Refusal, problem?: string): undefined => {
    const address = context.addressOf(request);
    const { reason } = refusal;
    context.stages.audit.rejected({
      at: Date.now(),
      transport: 'http',
      reason,
      ...(address && { address }),
      ...(problem && { problem }),
    });
    return sendRefusal(response, refusal);
  };
  if (!guard.addressAllowed(request.socket.remoteAddress)) return reject({ reason: 'address-refused' });
  // Of two Host headers one reader takes the first and another the last.
  const isOneHost = headerCount(request, 'host') === 1;
  if (!isOneHost || !guard.hostAllowed(headers.host))
    return reject({ reason: 'host-refused' }, nameIn('Host', headers.host));
  const pages = context.pages();
  const page = pagePath(request.url ?? '/', pages);
  if (page !== undefined && pages !== undefined) {
    context.connections.unknown(request.socket);
    if (method === 'POST' && !formAllowed(request, (origin) => guard.originAllowed(origin)))
      return reject({ reason: 'origin-refused' }, nameIn('Origin', headers.origin));
    showPage(request, response, { path: page, pages, address: context.addressOf(request), budget: context.bodies });
    return undefined;
  }
  if (!guard.originAllowed(headers.origin))
    return reject({ reason: 'origin-refused' }, nameIn('Origin', headers.origin));
  if (headers.origin !== undefined) allowOrigin(response, headers.origin);
  const metadata = method === 'GET' ? context.resources.metadata(request.url ?? '/') : undefined;
  if (metadata !== undefined) {
    sendMetadata(response, metadata);
    return undefined;
  }
  const route = routeOf(request.url ?? '/');
  if (!route.ok) return reject(route.refusal);
  if (method === 'OPTIONS' && headers.origin !== undefined) return preflight(request, response);
  if (context.draining()) {
    response.setHeader('connection', 'close');
    return reject({ reason: 'draining' });
  }
  const exchange: HttpExchange = { request, response, endpoint: route.value, context, sessions, keepAlive, ending };
  if (method === 'POST') return post(exchange);
  if (method === 'GET' || method === 'DELETE') return legacyOperation(method, exchange);
  return reject({ reason: 'http-method', allowed: 'POST, GET, DELETE' });
}

function post(exchange: HttpExchange): undefined {
  const { request, response, endpoint, context } = exchange;
  const headers = headerReader(request);
  const arrival = arrivalOf({ transport: 'http', endpoint, headers, address: context.addressOf(request) });
  const body = new RequestBody(request, context.bounds().body, context.bodies);
  const fail = (error: unknown): void => {
    body.release();
    context.stages.onBug(error, arrival.id);
    response.destroy();
  };
  // Before a byte of the body is read: what a stranger sends costs a look at the head.
  const identified = (identity: Outcome<Caller>): void => {
    if (!identity.ok) {
      body.release();
      refuseUnknown(exchange, arrival, identity).catch(fail);
      return;
    }
    const known = identity.value;
    if (!context.connections.known(request.socket, known.key)) {
      body.release();
      request.socket.destroy();
      return;
    }
    body.read(known.key, (bytes) => {
      if (response.destroyed) return body.release();
      try {
        // What was sent counts for as long as it is answered, also for a legacy client that has gone meanwhile.
        answer({ exchange, arrival, caller: known, body: bytes }).then(() => body.release(), fail);
      } catch (error) {
        // What is thrown before anything is waited for is a bug as well.
        fail(error);
      }
    });
  };
  const identity = identify(request, arrival, { context, body });
  if (identity instanceof Promise) identity.then(identified).catch(fail);
  else identified(identity);
}

/** Refuses a POST of an unknown caller. Its body is not looked at. */
async function refuseUnknown(
  { request, response, context }: HttpExchange,
  arrival: Arrival,
  identity: Outcome<Caller> & { readonly ok: false },
): Promise<void> {
  const incoming: Incoming = { arrival, identity, bytes: 0, rawNumbers: false };
  context.connections.unknown(request.socket);
  const written = await refused(identity.refusal, incoming, { context });
  const challenge = context.resources.unauthorized(arrival.endpoint, identity.refusal);
  const headers = { ...written.headers, 'www-authenticate': challenge };
  answerUnread(request, response, { ...written, headers, maxBytes: context.bounds().body });
}

/** A POST whose body was read, or why there is none. */
interface Read {
  readonly exchange: HttpExchange;
  readonly arrival: Arrival;
  readonly caller: Caller;
  readonly body: BodyResult;
}

function answer(read: Read): Promise<void> {
  const { exchange, arrival, caller, body } = read;
  const { request, response, context, keepAlive, ending } = exchange;
  const accept = accepted(request.headers.accept);
  let refusal: Refusal | undefined;
  if (body === 'too-large') refusal = { reason: 'body-too-large', limit: context.bounds().body };
  else if (body === 'too-many')
    refusal = { reason: 'too-many-requests', limit: messageBounds.maxOfOwner, unit: 'bytes' };
  else if (!isJson(request.headers['content-type'])) refusal = { reason: 'media-type' };
  else if (isEncoded(request.headers['content-encoding'])) refusal = { reason: 'content-encoding' };
  else if (!accept.json) refusal = { reason: 'not-acceptable' };
  if (refusal !== undefined || typeof body === 'string') return refuseBody(read, refusal ?? { reason: 'media-type' });
  const gone = new Cancellation();
  const reply = new Answer(response, { canStream: accept.events, started: arrival.started, owner: caller.key });
  keepAlive.add(reply);
  ending.onEnd(() => {
    keepAlive.delete(reply);
    gone.cancel();
  });
  return handlePost({ request, arrival, caller, answer: reply, gone }, body, exchange);
}

async function refuseBody({ exchange, arrival, caller, body }: Read, refusal: Refusal): Promise<void> {
  const { request, response, context } = exchange;
  const bytes = typeof body === 'string' ? 0 : body.length;
  const incoming: Incoming = { arrival, identity: { ok: true, value: caller }, bytes, rawNumbers: false };
  const written = await refused(refusal, incoming, { context });
  // What is left of a body that is too large is never read as the next request.
  const headers = { ...written.headers, ...(typeof body === 'string' ? { connection: 'close' } : {}) };
  answerUnread(request, response, { ...written, headers, maxBytes: context.bounds().body });
}

/** Public, and the same for everybody (RFC 9728, 3.2). */
function sendMetadata(response: ServerResponse, metadata: JsonObject): void {
  const text = JSON.stringify(metadata);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'max-age=60',
  });
  response.end(text);
}
