/** Plain HTTP beyond this machine: to a server it needs a day until which it is accepted, on our side TLS or a proxy. */
import type { Diagnostic, Place } from './diagnostic.ts';
import type { Path } from './located.ts';
import { isLoopback } from './names.ts';
import type { Configuration } from './schema/index.ts';

/** `now`: milliseconds since the epoch. */
export function checkPlainHttp(
  { servers, listen, console: pages }: Configuration,
  place: (path: Path) => Place,
  now: number,
): readonly Diagnostic[] {
  const complaints: Diagnostic[] = [];
  for (const [name, server] of Object.entries(servers)) {
    if (!('url' in server)) continue;
    const { protocol, hostname } = new URL(server.url);
    if (protocol === 'https:' || isLoopback(hostname.replace(/^\[|\]$/g, ''))) continue;
    const until = server.plainUntil;
    const isOver = until !== undefined && now >= Date.parse(`${until}T00:00:00Z`);
    if (until !== undefined && !isOver) continue;
    complaints.push({
      code: 'CFG043',
      place: place(['servers', name, until === undefined ? 'url' : 'plainUntil']),
      problem: isOver
        ? `plain HTTP to ${hostname} was accepted until ${until}`
        : `plain HTTP to ${hostname}: credentials, arguments and results would cross the network in the open`,
      remedy: 'Write https. Until the server has it, plainUntil: YYYY-MM-DD on the server accepts it for that long.',
    });
  }
  const { host, allowedNetworks, tls } = listen.admin;
  if (!isLoopback(host) && allowedNetworks.length === 0)
    complaints.push({
      code: 'CFG043',
      place: place(['listen', 'admin']),
      problem: `health and metrics on ${host}, which other machines can reach`,
      remedy: 'Listen on 127.0.0.1 (listen.admin.host), or name who may ask in listen.admin.allowedNetworks.',
    });
  else if (!isLoopback(host) && tls === undefined && pages.enabled)
    complaints.push({
      code: 'CFG043',
      place: place(['listen', 'admin']),
      problem: `operators would sign in and approve over plain HTTP on ${host}`,
      remedy: 'Set listen.admin.tls, or console: { enabled: false } for health and metrics alone.',
    });
  return complaints;
}
