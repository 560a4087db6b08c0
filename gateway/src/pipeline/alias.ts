/** Names at the portal: `<server>__<name>`, stable from the first server on, at most 64 characters of `[A-Za-z0-9_-]`. */
import { createHash } from 'node:crypto';
import type { ListSnapshot } from './contracts/snapshot.ts';

const maxAliasLength = 64;
/** Hexadecimal digits. A server chooses the names of its tools, so half as many could be found by trying. */
const digestLength = 16;
/** How an alias with a digest ends. A name that ends like this gets one as well: no server can spell that of another. */
const digestEnd = new RegExp(`_[0-9a-f]{${digestLength}}$`);

/** The alias of a capability. A name that has to be changed to fit gets a digest, so that no two become one. */
export function aliasOf(server: string, name: string): string {
  const plain = `${server}__${name}`;
  const fits = plain.length <= maxAliasLength && /^[A-Za-z0-9_-]+$/.test(plain);
  if (fits && !server.includes('__') && !digestEnd.test(plain)) return plain;
  const digest = createHash('sha256').update(`${server}\n${name}`).digest('hex').slice(0, digestLength);
  const readable = plain.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, maxAliasLength - digestLength - 1);
  return `${readable}_${digest}`;
}

/** Could this alias belong to this server? Says so without knowing what the server offers. */
export function mayBelong(alias: string, server: string): boolean {
  const prefix = `${server.replace(/[^A-Za-z0-9_-]/g, '_')}__`.slice(0, maxAliasLength - digestLength - 1);
  return alias.startsWith(prefix);
}

const aliases = new WeakMap<ListSnapshot, ReadonlyMap<string, string>>();

export function byAlias(server: string, snapshot: ListSnapshot): ReadonlyMap<string, string> {
  const known = aliases.get(snapshot);
  if (known !== undefined) return known;
  const map = new Map([...snapshot.byName.keys()].map((name) => [aliasOf(server, name), name]));
  aliases.set(snapshot, map);
  return map;
}
