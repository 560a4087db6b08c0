/**
 * A stream of server-sent events about approvals, for one who watches. Many of them are told of the same decision while the
 * event loop serves calls: each event is written once for all, and a stream costs its write alone.
 */
import { isInForce } from '../operators/principal.ts';
import type { ApprovalLine } from '../stages/approve/store.ts';
import { refuse } from './api/define.ts';
import type { AdminParts, AdminRequest } from './context.ts';

/** Milliseconds between two comments that keep an idle stream open. */
const keepAliveMs = 15_000;
const maxBacklog = 1_000;

const type = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };
const encoder = new TextEncoder();
const ready = encoder.encode('event: ready\ndata: {}\n\n');
const keepAlive = encoder.encode(': keep-alive\n\n');

/** The same for all who watch. */
interface Event {
  readonly bytes: Uint8Array;
  /** Whether a credential was in force when the event was told, so that it is looked up once for all of its streams. */
  readonly standing: Map<string, boolean>;
}
const events = new WeakMap<ApprovalLine, Event>();

/** `summaryOf`: what is told of it, as JSON. */
export function watching(
  request: AdminRequest,
  { feed, operators }: Pick<AdminParts, 'feed' | 'operators'>,
  summaryOf: (approval: ApprovalLine) => object,
): Response {
  if (request.req.method === 'HEAD') return new Response(null, { headers: type });
  const principal = request.get('principal');
  const { operator, via } = principal;
  const credential = `${via.kind === 'token' ? via.token.id : via.session.id} ${operator.version}`;
  const waiting: Uint8Array[] = [ready];
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** It has taken everything, and wants the next one at once. */
  let isHungry = false;
  const push = (event: Uint8Array): void => {
    if (isHungry) {
      isHungry = false;
      return stream?.enqueue(event);
    }
    // One that reads too slowly misses the oldest, and can list.
    if (waiting.length >= maxBacklog) waiting.shift();
    waiting.push(event);
  };
  const stop = feed.watch(operator.id, (approval) => {
    if (operator.servers?.includes(approval.server) === false) return;
    const { bytes, standing } = eventOf(approval, summaryOf);
    const isStanding = standing.get(credential) ?? isInForce(operators, principal, Date.now());
    standing.set(credential, isStanding);
    if (isStanding) push(bytes);
    else over();
  });
  if (stop === undefined) refuse(429, 'too many watch already', 'Close a stream, or list in intervals.');
  const timer = setInterval(() => {
    if (!isInForce(operators, principal, Date.now())) over();
    else if (waiting.length === 0) push(keepAlive);
  }, keepAliveMs).unref();
  const end = (): void => {
    clearInterval(timer);
    stop();
  };
  /** What a credential has opened ends with it. */
  const over = (): void => {
    end();
    stream?.close();
  };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      stream = controller;
      const event = waiting.shift();
      if (event === undefined) isHungry = true;
      else controller.enqueue(event);
    },
    cancel: end,
  });
  return new Response(body, { headers: { ...type, 'transfer-encoding': 'chunked' } });
}

function eventOf(approval: ApprovalLine, summaryOf: (approval: ApprovalLine) => object): Event {
  const known = events.get(approval);
  if (known !== undefined) return known;
  const text = `event: approval\ndata: ${JSON.stringify(summaryOf(approval))}\nid: ${approval.id}\n\n`;
  const event = { bytes: encoder.encode(text), standing: new Map<string, boolean>() };
  events.set(approval, event);
  return event;
}
