/**
 * Small requests of the gateway's own: metadata, keys, tokens. Bounded in time and bytes, and guarded: the address that
 * is looked up is the address that is connected to, so that an answer of DNS that changes in between changes nothing.
 */
import { lookup as lookupName } from 'node:dns';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { request as requestHttp } from '../protocol/node-http.ts';
import { Pieces } from '../protocol/pieces.ts';
import { type EgressGuard, hostOf } from './guard.ts';
import { environmentProxies, openTunnel, type Proxy, type ProxyFor } from './proxy.ts';

export interface Ask {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The URL is the operator's, so it may lead to any address. */
  readonly operator?: boolean;
  /** Bytes of the answer. */
  readonly limit?: number;
  /** Milliseconds for everything together. */
  readonly within?: number;
  /** Redirects that may be followed; each is guarded like a URL of its own. None by default. */
  readonly redirects?: number;
  /** Client certificate, and authorities to trust, in PEM. */
  readonly tls?: { readonly cert?: string; readonly key?: string; readonly ca?: string };
}

export type Answered =
  | {
      readonly ok: true;
      readonly status: number;
      readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
      readonly text: string;
    }
  /** `refused`: the guard said no. Else the network did. The text is for the operator. */
  | { readonly ok: false; readonly refused: boolean; readonly problem: string };

export type Fetch = (url: string, ask?: Ask) => Promise<Answered>;

const defaultMaxBytes = 512 * 1024;
const defaultTimeoutMs = 5_000;

export interface FetchParts {
  readonly lookup?: typeof lookupName;
  readonly proxyFor?: ProxyFor;
}

/** `parts` are for tests. */
export function guardedFetch(guard: EgressGuard, parts: FetchParts = {}): Fetch {
  const way: Way = { guard, lookup: parts.lookup ?? lookupName, proxyFor: parts.proxyFor ?? environmentProxies };
  const fetchOne = async (text: string, ask: Ask, left: number, deadline: number): Promise<Answered> => {
    if (!URL.canParse(text)) return { ok: false, refused: true, problem: 'not a URL' };
    const url = new URL(text);
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      return { ok: false, refused: true, problem: `${url.protocol} is no protocol to ask over` };
    const problem = ask.operator === true ? undefined : guard.refusal(url);
    if (problem !== undefined) return { ok: false, refused: true, problem: `${url.origin} ${problem}` };
    const answer = await once(url, ask, { ...way, deadline });
    if (!answer.ok || answer.status < 300 || answer.status > 399 || answer.status === 304) return answer;
    const { location } = answer.headers;
    if (left === 0 || typeof location !== 'string' || !URL.canParse(location, url.href))
      return { ok: false, refused: true, problem: `${url.origin} redirects` };
    // The server chose where the redirect leads, so neither body nor credential goes there.
    const { body: _body, headers: _headers, ...rest } = ask;
    if (ask.method === 'POST') return { ok: false, refused: true, problem: `${url.origin} redirects a POST` };
    return fetchOne(new URL(location, url).href, { ...rest, operator: false }, left - 1, deadline);
  };
  return (url, ask = {}) =>
    fetchOne(url, ask, ask.redirects ?? 0, performance.now() + (ask.within ?? defaultTimeoutMs));
}

interface Way {
  readonly guard: EgressGuard;
  readonly lookup: typeof lookupName;
  readonly proxyFor: ProxyFor;
}

async function once(url: URL, ask: Ask, way: Way & { readonly deadline: number }): Promise<Answered> {
  const { guard, lookup, proxyFor, deadline } = way;
  const host = hostOf(url);
  const mayReach = (address: string): boolean => ask.operator === true || guard.addressAllowed(url, address);
  const leadsInside = `${url.origin} leads to an address that is not public`;
  // Every address that is returned here has been checked, and only these can be connected to.
  const guardedLookup: LookupFunction = (name, options, done) => {
    lookup(name, { all: true, ...(options.family === undefined ? {} : { family: options.family }) }, (error, found) => {
      if (error !== null) return done(error, []);
      const allowed = found.filter(({ address }) => mayReach(address));
      // One address that is not public makes the name suspicious as a whole.
      if (allowed.length < found.length || allowed.length === 0) return done(new EgressError(leadsInside), []);
      const [first] = allowed;
      if (options.all === true) done(null, allowed);
      else if (first !== undefined) done(null, first.address, first.family);
    });
  };
  const proxy = proxyFor(url);
  // The proxy looks the name up. What this machine knows of it counts as well, where it knows anything.
  if (proxy !== undefined && isIP(host) === 0 && !(await isFree(host, { lookup, mayReach, deadline })))
    return { ok: false, refused: true, problem: leadsInside };
  const route: Pick<RequestOptions, 'agent' | 'lookup' | 'createConnection'> =
    proxy === undefined
      ? // Literal addresses are never looked up; the guard has seen them in the URL.
        { agent: false, ...(isIP(host) === 0 ? { lookup: guardedLookup } : {}) }
      : { createConnection: throughProxy(proxy, url, { ...ask, deadline }) };
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let request: ClientRequest | undefined;
    // The promise settles by itself, at the latest at the deadline: no event of a socket is needed for that.
    const settle = (answered: Answered): void => {
      clearTimeout(timer);
      resolve(answered);
    };
    const fail = (error: Error): void => {
      const refused = error instanceof EgressError;
      settle({ ok: false, refused, problem: refused ? error.message : `${url.origin}: ${codeOf(error)}` });
      request?.destroy();
    };
    const options: RequestOptions = {
      method: ask.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...ask.headers,
        ...(ask.body === undefined ? {} : { 'content-length': Buffer.byteLength(ask.body) }),
      },
      ...route,
      ...ask.tls,
    };
    try {
      request = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options);
    } catch (error) {
      // A header or a certificate that cannot be used.
      return fail(error instanceof Error ? error : new Error('cannot be asked'));
    }
    timer = setTimeout(() => fail(new Error('took too long')), Math.max(0, deadline - performance.now()));
    request.on('error', fail);
    request.on('close', () => fail(new Error('the connection was closed')));
    request.on('response', (response) => {
      const { remoteAddress } = response.socket;
      // The address that was connected to in the end, however it was resolved.
      if (proxy === undefined && remoteAddress !== undefined && !mayReach(remoteAddress))
        return fail(new EgressError(leadsInside));
      collect(response, ask.limit ?? defaultMaxBytes, (collected) => {
        if (collected instanceof Error) return fail(collected);
        settle({ ok: true, status: response.statusCode ?? 0, headers: response.headers, text: collected });
        request?.destroy();
      });
    });
    request.end(ask.body);
  });
}

/** False when this machine knows an address of the name that must not be reached. A name it does not know is free. */
function isFree(
  host: string,
  {
    lookup,
    mayReach,
    deadline,
  }: Pick<Way, 'lookup'> & { readonly mayReach: (address: string) => boolean; readonly deadline: number },
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), Math.max(0, deadline - performance.now()) / 2);
  lookup(host, { all: true }, (error, found) => {
    clearTimeout(timer);
    resolve(error !== null || found.every(({ address }) => mayReach(address)));
  });
  return promise;
}

type CreateConnection = NonNullable<RequestOptions['createConnection']>;

function throughProxy(
  proxy: Proxy,
  url: URL,
  { tls, deadline }: Ask & { readonly deadline: number },
): CreateConnection {
  const host = hostOf(url);
  const isTls = url.protocol === 'https:';
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  return (_options, done) => {
    openTunnel(proxy, { host, port, timeoutMs: Math.max(1, deadline - performance.now()) }, (tunnelled) => {
      if (!tunnelled.ok) return done(new Error(tunnelled.problem), undefined as never);
      const { socket } = tunnelled;
      if (!isTls) return done(null, socket);
      const servername = isIP(host) === 0 ? { servername: host } : {};
      done(null, connectTls({ socket, host, ...servername, ...tls }));
    });
    return undefined;
  };
}

class EgressError extends Error {}

/** `done` is told the whole body, or why there is none. A body that is cut off has no `end`: `close` tells. */
function collect(response: IncomingMessage, limit: number, done: (collected: string | Error) => void): void {
  const pieces = new Pieces();
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > limit) done(new Error('answers too much'));
    else pieces.add(chunk);
  });
  response.on('end', () => length <= limit && done(pieces.take().toString('utf8')));
  response.on('error', done);
  response.on('close', () => {
    if (!response.complete) done(new Error('the answer was cut off'));
  });
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message;
}
