/**
 * What the gateway may connect to when the address comes from a document on the network: metadata, keys,
 * authorization servers, redirects. "MCP clients deployed to a server MUST consider SSRF" (2026-07-28, security).
 */
import { BlockList, isIP } from 'node:net';
import { isPublic } from './addresses.ts';

export interface EgressGuard {
  /** Why this URL must not be fetched, before anything is looked up; `undefined` when it may. */
  refusal(url: URL): string | undefined;
  /** Whether a connection to this address may be made for this URL. Asked for the address that is connected to. */
  addressAllowed(url: URL, address: string): boolean;
}

/** `allow`: what an operator opened: host names, addresses, networks such as `10.0.0.0/8`, origins such as `http://127.0.0.1:9000`. */
export function egressGuard(allow: readonly string[]): EgressGuard {
  const origins = new Set<string>();
  const hosts = new Set<string>();
  const networks = new BlockList();
  for (const entry of allow) {
    if (/^https?:\/\//.test(entry)) origins.add(new URL(entry).origin);
    else if (isIP(entry) !== 0) networks.addAddress(entry, familyOf(entry));
    else if (entry.includes('/')) {
      const [network = '', prefix = ''] = entry.split('/');
      networks.addSubnet(network, Number(prefix), familyOf(network));
    } else hosts.add(entry.toLowerCase());
  }
  const inNetworks = (address: string) => networks.check(address, familyOf(address));
  const addressAllowed = (url: URL, address: string): boolean =>
    origins.has(url.origin) || hosts.has(hostOf(url)) || isPublic(address) || inNetworks(address);
  return {
    refusal(url) {
      if (origins.has(url.origin)) return undefined;
      if (url.protocol !== 'https:') return 'is not https';
      if (url.username !== '' || url.password !== '') return 'holds a user name or password';
      const host = hostOf(url);
      if (isIP(host) !== 0 && !addressAllowed(url, host)) return 'leads to an address that is not public';
      return undefined;
    },
    addressAllowed,
  };
}

export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
