/**
 * Proxies as companies set them: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in capitals or not. Every connection goes
 * through a tunnel (CONNECT, RFC 9110, 9.3.6), so that TLS is with the server and the proxy sees names and bytes only.
 */
import { BlockList, connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hostOf } from './guard.ts';

export interface Proxy {
  readonly url: URL;
  /** Of the user name and password in the URL (RFC 7617). */
  readonly authorization: string | undefined;
}

/** The proxy on the way to a URL; `undefined` where there is none. */
export type ProxyFor = (url: URL) => Proxy | undefined;

type Environment = Readonly<Record<string, string | undefined>>;

function variable(env: Environment, name: string): string | undefined {
  // An empty variable is one that is not set.
  return env[name.toLowerCase()] || env[name] || undefined;
}

function proxyIn(env: Environment, name: string): Proxy | undefined {
  const text = variable(env, name);
  if (text === undefined) return undefined;
  // As other programs read it: a host and port alone is a proxy that speaks HTTP.
  const url = new URL(text.includes('://') ? text : `http://${text}`);
  const { username, password } = url;
  const userinfo = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, authorization: userinfo === ':' ? undefined : `Basic ${Buffer.from(userinfo).toString('base64')}` };
}

const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY'] as const;

/** What is wrong with the variables; `undefined` when they can be used. Repeats no password. */
export function proxyProblem(env: Environment): string | undefined {
  for (const name of names) {
    try {
      const proxy = proxyIn(env, name);
      if (proxy !== undefined && !/^https?:$/.test(proxy.url.protocol))
        return `${name} names a proxy that speaks ${proxy.url.protocol.slice(0, -1)}: only http and https are supported`;
    } catch {
      return `${name} is no URL of a proxy, such as http://proxy.example:3128`;
    }
  }
  return undefined;
}

/** Reads the variables once. This machine is never reached through a proxy. */
export function proxiesOf(env: Environment): ProxyFor {
  const problem = proxyProblem(env);
  if (problem !== undefined) throw new Error(problem);
  const all = proxyIn(env, 'ALL_PROXY');
  const https = proxyIn(env, 'HTTPS_PROXY') ?? all;
  const http = proxyIn(env, 'HTTP_PROXY') ?? all;
  const isExempt = exemptions(variable(env, 'NO_PROXY') ?? '');
  return (url) => {
    const proxy = url.protocol === 'https:' ? https : http;
    return proxy === undefined || isExempt(url) ? undefined : proxy;
  };
}

let known: ProxyFor | undefined;

/** The proxies of this process. */
export const environmentProxies: ProxyFor = (url) => {
  known ??= proxiesOf(process.env);
  return known(url);
};

/** NO_PROXY: names with everything below them, addresses, networks, each with or without a port; `*` is everything. */
function exemptions(list: string): (url: URL) => boolean {
  const networks = new BlockList();
  networks.addSubnet('127.0.0.0', 8, 'ipv4');
  networks.addAddress('::1', 'ipv6');
  const domains: { readonly name: string; readonly port: string }[] = [{ name: 'localhost', port: '' }];
  for (const entry of list.split(',').map((word) => word.trim().toLowerCase())) {
    if (entry === '') continue;
    if (entry === '*') return () => true;
    const [network = '', prefix] = entry.split('/');
    const family = isIP(network);
    if (prefix !== undefined && family !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
      networks.addSubnet(network, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
    else {
      const [, name = '', port = ''] =
        /^\[?([^\]]*?)\]?(?::(\d{1,5}))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
      domains.push({ name: name.replace(/^\*?\./, ''), port });
    }
  }
  return (url) => {
    const host = hostOf(url);
    const family = isIP(host);
    if (family !== 0 && networks.check(host, family === 4 ? 'ipv4' : 'ipv6')) return true;
    const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
    return domains.some(
      (domain) =>
        (domain.port === '' || domain.port === port) && (host === domain.name || host.endsWith(`.${domain.name}`)),
    );
  };
}

export interface Tunnel {
  /** Where it leads. */
  readonly host: string;
  readonly port: number;
  /** Milliseconds until it must stand. */
  readonly timeoutMs: number;
}

export type Tunnelled =
  | { readonly ok: true; readonly socket: Socket }
  /** For the operator. */
  | { readonly ok: false; readonly problem: string };

const maxHeadBytes = 16 * 1024;

/** Opens a tunnel. Calls back once, and settles by itself. Returns what gives it up. */
export function openTunnel(
  { url, authorization }: Proxy,
  { host, port, timeoutMs }: Tunnel,
  done: (tunnelled: Tunnelled) => void,
): () => void {
  const isTls = url.protocol === 'https:';
  const proxyHost = hostOf(url);
  const base = { host: proxyHost, port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port), noDelay: true };
  const named = `the proxy ${url.host}`;
  const socket: Socket = isTls
    ? connectTls({ ...base, ...(isIP(proxyHost) === 0 ? { servername: proxyHost } : {}) })
    : connectTcp(base);
  let over = false;
  let head = Buffer.alloc(0);
  const finish = (tunnelled: Tunnelled): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('error', onError);
    socket.off('close', onClose);
    if (!tunnelled.ok) {
      // Later errors of this socket have no meaning, and an unhandled one would end the process.
      socket.on('error', () => {});
      socket.destroy();
    }
    done(tunnelled);
  };
  const fail = (problem: string): void => finish({ ok: false, problem: `${named} ${problem}` });
  const onError = (error: Error): void =>
    fail(`cannot be reached: ${'code' in error ? String(error.code) : error.message}`);
  const onClose = (): void => fail('closed the connection');
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return head.length > maxHeadBytes ? fail('answers with too long a head') : undefined;
    const [, status] = /^HTTP\/1\.[01] (\d{3})(?: |\r\n)/.exec(head.toString('latin1', 0, end + 2)) ?? [];
    if (status === undefined) return fail('does not speak HTTP');
    if (status === '407') return fail('wants other credentials (407)');
    if (!status.startsWith('2')) return fail(`answers ${status} to CONNECT ${host}:${port}`);
    socket.pause();
    // What came after the head is of the tunnel.
    if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
    finish({ ok: true, socket });
  };
  const timer = setTimeout(() => fail(`did not connect within ${timeoutMs} ms`), timeoutMs);
  socket.on('data', onData);
  socket.on('error', onError);
  socket.on('close', onClose);
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    const credentials = authorization === undefined ? '' : `proxy-authorization: ${authorization}\r\n`;
    socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${credentials}\r\n`);
  });
  return () => fail('was given up');
}
