/** What the gateway may connect to when a document on the network named the address. */
import { isIP } from 'node:net';
import { z } from 'zod';

export const egress = z
  .strictObject({
    allow: z
      .array(
        z
          .string()
          .min(1)
          .max(255)
          .refine(isEntry, 'must be a host name, an address, a network such as 10.0.0.0/8, or an origin'),
      )
      .max(256)
      .default([])
      .describe('Host names, addresses, networks (10.0.0.0/8) and origins (http://127.0.0.1:9000) that are opened.'),
  })
  .describe('URLs that documents on the network name must be https and public, but for what is opened here.');

/** True for an entry that the guard understands. */
function isEntry(entry: string): boolean {
  if (/^https?:\/\//.test(entry)) return URL.canParse(entry) && new URL(entry).origin === entry;
  if (isIP(entry) !== 0) return true;
  const [network = '', prefix, ...rest] = entry.split('/');
  if (prefix !== undefined) {
    const family = isIP(network);
    return rest.length === 0 && /^\d{1,3}$/.test(prefix) && family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128);
  }
  return /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i.test(entry);
}
