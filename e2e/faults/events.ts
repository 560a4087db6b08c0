/** An event stream from the gateway, read as it comes. */
import { EventEmitter, once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { legacyHeaders, meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { patienceMs } from '../process.ts';

export interface Events extends Disposable {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Everything that came so far. */
  readonly text: () => string;
  /** Waits until this holds of what came; fails after some seconds. */
  readonly until: (holds: (text: string) => boolean) => Promise<void>;
  readonly ended: () => boolean;
  /** Waits until the gateway ends it. */
  readonly end: () => Promise<void>;
}

export interface Opening {
  readonly url: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly key?: string | undefined;
  readonly body?: string;
}

export async function openEvents({ url, method = 'POST', headers = [], key, body }: Opening): Promise<Events> {
  const asked = request(url, {
    method,
    agent: false,
    headers: { ...Object.fromEntries(headers), ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
  });
  asked.end(body);
  const [response] = (await once(asked, 'response', { signal: AbortSignal.timeout(patienceMs) })) as [IncomingMessage];
  const changes = new EventEmitter();
  let text = '';
  let ended = false;
  response.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    changes.emit('change');
  });
  response.on('close', () => {
    ended = true;
    changes.emit('change');
  });
  response.on('error', () => {});
  const until = async (holds: () => boolean): Promise<void> => {
    const signal = AbortSignal.timeout(patienceMs);
    while (!holds()) {
      await once(changes, 'change', { signal }).catch((cause: unknown) => {
        throw new Error(`did not come: ${text}`, { cause });
      });
    }
  };
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: () => text,
    until: (holds) => until(() => holds(text)),
    ended: () => ended,
    end: () => until(() => ended),
    [Symbol.dispose]: () => asked.destroy(),
  };
}

/** `subscriptions/listen` of a modern client, acknowledged. */
export async function listen(url: string, key: string | undefined, notifications: object): Promise<Events> {
  const events = await openEvents({
    url,
    key,
    headers: modernHeaders('subscriptions/listen'),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 'listening',
      method: 'subscriptions/listen',
      params: { notifications, _meta: meta },
    }),
  });
  await events.until((text) => text.includes('acknowledged'));
  return events;
}

const info = { name: 'test', version: '1' };

/** A legacy session with its GET stream. */
export interface LegacySession {
  readonly id: string;
  readonly events: Events;
  readonly request: (method: string, params?: object) => Promise<string>;
}

export async function startSession(url: string, key: string | undefined): Promise<LegacySession> {
  const authorization: readonly (readonly [string, string])[] =
    key === undefined ? [] : [['Authorization', `Bearer ${key}`]];
  const send = (body: object, headers: readonly (readonly [string, string])[]) =>
    sendRaw({ url, headers: [...legacyHeaders, ...authorization, ...headers], body: JSON.stringify(body) });
  const initialized = await send(
    {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info },
    },
    [],
  );
  const id = initialized.headers.get('mcp-session-id');
  if (id === undefined) throw new Error(`no session: ${initialized.status} ${initialized.body}`);
  const own: readonly (readonly [string, string])[] = [['Mcp-Session-Id', id]];
  await send({ jsonrpc: '2.0', method: 'notifications/initialized' }, own);
  const events = await openEvents({
    url,
    key,
    method: 'GET',
    headers: [['Accept', 'text/event-stream'], ...own],
  });
  let next = 1;
  return {
    id,
    events,
    request: async (method, params = {}) => (await send({ jsonrpc: '2.0', id: next++, method, params }, own)).body,
  };
}
