/** The GET stream of a legacy session: what belongs to no request, until the client, its credential or we end it. */
import type { ServerResponse } from 'node:http';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { OpenStream } from '../../pipeline/streams.ts';
import { eventText, keepAliveText } from '../../protocol/sse.ts';
import type { ListenerContext } from '../context.ts';
import type { LegacySession } from '../session.ts';
import { type KeepAlive, Kept } from './answer.ts';

const maxBacklogBytes = 8 * 1024 * 1024;

export interface StreamParts {
  /** Whose credential keeps it open: not always the one with which the session began. */
  readonly caller: Caller;
  readonly response: ServerResponse;
  readonly context: ListenerContext;
  readonly keepAlive: KeepAlive;
  readonly onClose: () => void;
}

export function openStream(
  session: LegacySession,
  { caller, response, context, keepAlive, onClose }: StreamParts,
): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  let lastWrite = performance.now();
  const write = (text: string): void => {
    if (response.destroyed || response.writableEnded) return;
    lastWrite = performance.now();
    response.write(text);
    if (response.writableLength > maxBacklogBytes) response.destroy();
  };
  const entry = new (class extends Kept {
    keepAlive(now: number, pause: number): void {
      if (now - lastWrite >= pause) write(keepAliveText);
    }
    unread(): number {
      return response.writableLength;
    }
    cut(): void {
      response.destroy();
    }
  })(caller.key);
  const end = (): void => void response.end();
  const stream: OpenStream = {
    caller,
    end,
    notify: (method, params) => write(eventText(JSON.stringify({ jsonrpc: '2.0', method, params }))),
    refresh: () => {
      session.hearing?.refresh();
      // Nothing will be said on it any more.
      if (session.endpoint.kind === 'server' && session.hearing?.size === 0) response.end();
    },
  };
  const remove = context.streams.add(stream);
  keepAlive.add(entry);
  response.on('close', () => {
    remove();
    keepAlive.delete(entry);
    session.closeStream(token);
    onClose();
  });
  const token = session.openStream(caller, (text) => write(eventText(text)), end);
}
