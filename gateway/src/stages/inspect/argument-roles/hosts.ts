/** Hosts in arguments: one spelling only, and none that leads into the network of the server unless that is said. */
import { isIP } from 'node:net';
import { isPublic } from '../../../egress/addresses.ts';

export interface HostRule {
  readonly hosts: readonly string[];
  readonly private: 'allow' | 'deny';
}

/** Names that resolve within a machine, a network, or to the metadata service of a cloud. */
const inner = /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|home|lan|corp|arpa)$/;

/** `host`: as the URL standard writes it, in lower case. Why it must not be contacted; `undefined` when it may. */
export function hostProblem(host: string, { hosts, private: inside }: HostRule): string | undefined {
  const bare = host.replace(/^\[|\]$/g, '');
  if (hosts.length > 0)
    return hosts.some((rule) => matches(bare, rule)) ? undefined : 'must name a host that is allowed';
  if (inside === 'allow') return undefined;
  if (isIP(bare) !== 0) return isPublic(bare) ? undefined : 'must not name an address that is not public';
  if (inner.test(bare) || !bare.includes('.')) return 'must not name a host of a private network';
  return undefined;
}

function matches(host: string, rule: string): boolean {
  return rule.startsWith('*.') ? host.endsWith(rule.slice(1)) && host.length > rule.length - 1 : host === rule;
}

/** The host as the URL standard reads it; `undefined` where other readers could read another one. */
export function canonicalHost(text: string): string | undefined {
  if (!/^(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i.test(text)) return undefined;
  const url = URL.parse(`http://${text}/`);
  // Numbers in hexadecimal, octal or with parts left out become addresses there, and elsewhere not.
  return url !== null && url.hostname === text.toLowerCase() ? url.hostname : undefined;
}
