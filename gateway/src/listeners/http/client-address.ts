/** Where a request comes from, when it may have passed proxies. */
import { isIP } from 'node:net';
import { type Networks, networksOf, plainAddress } from '../../protocol/networks.ts';

/** The address of the client, from the address that is connected and the header X-Forwarded-For. */
export type ClientAddress = (
  peer: string | undefined,
  forwarded: string | readonly string[] | undefined,
) => string | undefined;

export function clientAddressOf(declared: readonly string[]): ClientAddress {
  if (declared.length === 0) return (peer) => (peer === undefined ? undefined : plainAddress(peer));
  const proxies = networksOf(declared);
  return (peer, forwarded) => {
    if (peer === undefined || forwarded === undefined || !proxies(peer))
      return peer === undefined ? undefined : plainAddress(peer);
    return lastThatIsNoProxy(plainAddress(peer), typeof forwarded === 'string' ? forwarded : forwarded.join(), proxies);
  };
}

/**
 * Each proxy appends the address that called it, so the list is read from its end, and only as far as it was written by
 * declared proxies: what stands before that is what the client made up. A text that is no address ends the reading, and
 * the proxy that wrote it stands for the clients behind it.
 */
function lastThatIsNoProxy(peer: string, list: string, proxies: Networks): string {
  let known = peer;
  for (let end = list.length; end >= 0 && proxies(known); ) {
    const comma = end === 0 ? -1 : list.lastIndexOf(',', end - 1);
    const address = addressIn(list.slice(comma + 1, end).trim());
    if (address === undefined) return known;
    known = address;
    end = comma;
  }
  return known;
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`. */
function addressIn(entry: string): string | undefined {
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(entry) ?? [];
  const [, before] = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(entry) ?? [];
  const address = plainAddress(bracketed ?? before ?? entry);
  return isIP(address) === 0 ? undefined : address;
}
