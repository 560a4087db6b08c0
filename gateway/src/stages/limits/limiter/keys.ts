/** Whose meter a call is counted on. */

import type { Caller } from '../../../pipeline/contracts/caller.ts';
import type { LimitKey, LimitRule } from '../../../pipeline/contracts/limit.ts';
import type { Tier } from '../../../pipeline/contracts/policy.ts';

/** What can be counted apart about an exchange. Lists and handshakes lead to no capability. */
export interface Subject {
  readonly caller: Caller;
  readonly address: string | undefined;
  readonly session: string | undefined;
  readonly server?: string;
  readonly tool?: string;
  readonly tier?: Tier;
  readonly connection?: string;
}

/** Parts that can differ between calls of one caller to one tool. */
const changing: ReadonlySet<LimitKey> = new Set(['address', 'session', 'connection']);

export function isFixed({ per }: LimitRule): boolean {
  return !per.some((key) => changing.has(key));
}

/** One caller can have as many keys as it begins sessions, or comes from networks. */
export function isEndless({ per }: LimitRule): boolean {
  return per.includes('session') || per.includes('address');
}

/** No key: the rule does not count this exchange. Several: it counts for each of them, as for each role of a caller. */
export function keysOf({ per }: LimitRule, subject: Subject): readonly string[] {
  if (per.length === 0) return all;
  let keys: readonly string[] | undefined;
  for (const part of per) {
    const values = valuesOf(part, subject);
    keys = keys === undefined ? values : keys.flatMap((before) => values.map((value) => `${before} ${value}`));
  }
  return keys ?? all;
}

const all: readonly string[] = ['all'];

function valuesOf(part: LimitKey, subject: Subject): readonly string[] {
  const { caller, server } = subject;
  switch (part) {
    case 'user':
    case 'agent':
    case 'application':
      return caller[part] === undefined ? [] : [`${part}:${caller[part]}`];
    case 'caller':
      return [caller.key];
    case 'role':
      return [...new Set(caller.roles)].map((role) => `role:${role}`);
    case 'address':
      return [networkOf(subject.address)];
    case 'session':
      // A client without sessions has one for each of its credentials. What it calls itself would be free to make up.
      return [`${caller.key} ${subject.session ?? caller.credential.id}`];
    case 'server':
      return server === undefined ? [] : [server];
    case 'tool':
      return server === undefined || subject.tool === undefined ? [] : [`${server}/${subject.tool}`];
    case 'tier':
      return subject.tier === undefined ? [] : [subject.tier];
    case 'connection':
      return subject.connection === undefined ? [] : [subject.connection];
  }
}

/** A caller; those who come without a credential are one caller, and are told apart by their networks. */
export function sourceOf({ key, credential }: Caller, address: string | undefined): string {
  return credential.kind === 'anonymous' ? `${key} ${networkOf(address)}` : key;
}

/** One machine can have every address of a network of IPv6 with 64 bits. */
function networkOf(address: string | undefined): string {
  if (address === undefined) return 'local';
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}
