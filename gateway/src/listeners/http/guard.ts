/** What is looked at before a body is read: Host, Origin, route, method, media types. */
import type { IncomingMessage } from 'node:http';
import type { Configuration } from '../../config/schema/index.ts';
import type { Endpoint } from '../../pipeline/exchange.ts';
import { type Outcome, pass, refuse } from '../../pipeline/refusal.ts';
import { networksOf } from '../../protocol/networks.ts';

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];
const loopbackAddresses = new Set(['127.0.0.1', '::1', 'localhost']);

export interface Guard {
  /** Against DNS rebinding: only names under which the gateway is meant to be reached (2026-07-28, security). */
  hostAllowed(host: string | undefined): boolean;
  /** No Origin header means a client that is not a browser, which is allowed. */
  originAllowed(origin: string | undefined): boolean;
  /** Plain HTTP from elsewhere than this machine must come from a declared proxy. */
  addressAllowed(address: string | undefined): boolean;
}

export function isLoopback(host: string): boolean {
  return loopbackAddresses.has(host) || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** How clients reach the listener: the public URL, else the address that is really listened on. */
export function publicBase(listen: Configuration['listen']['mcp'], port: number): string {
  if (listen.publicUrl !== undefined) return listen.publicUrl;
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[listen.host] ?? listen.host;
  return `${listen.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `port` is the one that is really listened on. */
export function makeGuard(listen: Configuration['listen']['mcp'], port: number): Guard {
  const names = isLoopback(listen.host)
    ? loopbackNames
    : [listen.host.includes(':') ? `[${listen.host}]` : listen.host];
  const hosts = new Set([
    ...names.map((name) => `${name}:${port}`),
    ...listen.allowedHosts.map((host) => host.toLowerCase()),
  ]);
  if (port === (listen.tls === undefined ? 80 : 443)) for (const name of names) hosts.add(name);
  const scheme = listen.tls === undefined ? 'http' : 'https';
  const origins = new Set([...names.map((name) => `${scheme}://${name}:${port}`), ...listen.allowedOrigins]);
  if (listen.publicUrl !== undefined) {
    const { host, origin } = new URL(listen.publicUrl);
    hosts.add(host);
    origins.add(origin);
  }
  return {
    hostAllowed: (host) => host !== undefined && hosts.has(host.toLowerCase()),
    addressAllowed: addressCheck(listen),
    originAllowed: (origin) => origin === undefined || origins.has(origin),
  };
}

function addressCheck(listen: Configuration['listen']['mcp']): Guard['addressAllowed'] {
  if (listen.tls !== undefined || listen.behindProxy.length === 0) return () => true;
  return networksOf(['127.0.0.0/8', '::1', ...listen.behindProxy]);
}

/** The name in a Host or Origin header, for the operator. Whatever else a header may hold is not written down. */
export function nameIn(header: string, value: string | undefined): string | undefined {
  return value !== undefined && /^[A-Za-z0-9.:[\]/_-]{1,256}$/.test(value) ? `${header} ${value}` : undefined;
}

const forbiddenQuery = /(?:^|&)(?:access_token|api_key|apikey|token|key|authorization|password|secret)=/i;
const serverPrefix = '/servers/';
const serverSuffix = '/mcp';
const serverName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function routeOf(url: string): Outcome<Endpoint> {
  const question = url.indexOf('?');
  const path = question === -1 ? url : url.slice(0, question);
  if (question !== -1 && forbiddenQuery.test(url.slice(question + 1)))
    return refuse({ reason: 'credentials-in-query' });
  const plain = path.endsWith('/') ? path.slice(0, -1) : path;
  if (plain === '/mcp') return pass({ kind: 'portal' });
  const server =
    plain.startsWith(serverPrefix) && plain.endsWith(serverSuffix)
      ? plain.slice(serverPrefix.length, -serverSuffix.length)
      : '';
  return serverName.test(server) ? pass({ kind: 'server', server }) : refuse({ reason: 'path-unknown' });
}

/** `Application/JSON; charset=utf-8` is JSON; every other charset is not what MCP speaks. */
export function isEncoded(contentEncoding: string | undefined): boolean {
  return contentEncoding !== undefined && contentEncoding.trim().toLowerCase() !== 'identity';
}

export function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  if (contentType === undefined) return false;
  const [type = '', ...parameters] = contentType.split(';');
  if (type.trim().toLowerCase() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=');
    return name.trim().toLowerCase() !== 'charset' || /^"?utf-?8"?$/i.test(value.trim());
  });
}

export interface Accepted {
  readonly json: boolean;
  readonly events: boolean;
}

const both: Accepted = { json: true, events: true };

/** Media ranges of an Accept header, wildcards included; a quality of 0 refuses (RFC 9110, 12.5.1). */
export function accepted(accept: string | undefined): Accepted {
  if (accept === undefined || accept === 'application/json, text/event-stream')
    return accept === undefined ? { json: true, events: false } : both;
  let json = false;
  let events = false;
  for (const range of accept.split(',').slice(0, 32)) {
    const [type = '', ...parameters] = range.split(';');
    if (parameters.some((parameter) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/i.test(parameter))) continue;
    const name = type.trim().toLowerCase();
    if (name === '*/*') json = events = true;
    else if (name === 'application/json' || name === 'application/*') json = true;
    else if (name === 'text/event-stream' || name === 'text/*') events = true;
  }
  return { json, events };
}

/** One value of a header; `false` when it came more than once, as its readers could each take another one. */
export function headerReader(request: IncomingMessage): (name: string) => string | undefined | false {
  return (name) => {
    const value = request.headers[name];
    if (value === undefined) return undefined;
    // Node joins repeated headers of its own list by commas; only the raw list tells how often one came.
    if (typeof value !== 'string') return false;
    if (!value.includes(',')) return value;
    let count = 0;
    for (let index = 0; index < request.rawHeaders.length; index += 2)
      if (request.rawHeaders[index]?.toLowerCase() === name) count++;
    return count === 1 ? value : false;
  };
}

/** The name of a header that mirrors an argument, if there is any. */
export function argumentHeader(request: IncomingMessage): string | undefined {
  for (const name in request.headers) if (name.startsWith('mcp-param-')) return name;
  return undefined;
}
