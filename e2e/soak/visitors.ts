/** Clients that come and go: streams of modern clients, legacy sessions with theirs, calls that are given up. */
import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { sendRaw } from '../attacks/raw.ts';
import { listen, startSession } from '../faults/events.ts';
import type { Random } from '../fuzz/random.ts';
import type { Gateway } from '../harness.ts';
import { type Counts, callTool } from './calls.ts';

export interface Visit {
  readonly gateway: Gateway;
  readonly key: string;
  readonly random: Random;
  readonly counts: Counts;
  readonly signal: AbortSignal;
}

const most = 24;

/** Lets clients come every moment, until the signal. Resolves when the last one is gone. */
export async function receiveVisitors(visit: Visit): Promise<void> {
  const present = new Set<Promise<void>>();
  while (!visit.signal.aborted) {
    if (present.size < most) {
      const one = visitor({ ...visit, random: visit.random.fork() }).finally(() => present.delete(one));
      present.add(one);
    }
    await rest(300 + visit.random.below(700), visit.signal);
  }
  await Promise.all(present);
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  // The end of the test ends the pause early.
  await pause(ms, undefined, { signal }).catch(() => {});
}

async function visitor(visit: Visit): Promise<void> {
  const server = visit.random.pick(['modern', 'legacy', 'hostile']);
  const kind = visit.random.pick([listener, session, leaver]);
  try {
    await kind(visit, server);
  } catch (error) {
    if (server !== 'hostile' && !visit.signal.aborted)
      visit.counts.wrong(`${kind.name} at ${server}: ${String(error)}`);
  }
}

async function listener({ gateway, key, random, signal }: Visit, server: string): Promise<void> {
  using _ = await listen(gateway.endpoint(server), key, { toolsListChanged: true });
  await rest(1_000 + random.below(15_000), signal);
}

async function session({ gateway, key, random, counts, signal }: Visit, server: string): Promise<void> {
  const url = gateway.endpoint(server);
  const legacy = await startSession(url, key);
  using _ = legacy.events;
  for (let left = 1 + random.below(4); left > 0 && !signal.aborted; left--) {
    const note = `session-${random.below(1e9)}`;
    const tool = server === 'hostile' ? 'tool' : 'take';
    const body = await legacy.request('tools/call', { name: tool, arguments: { note } });
    if (server === 'hostile') counts.hostile++;
    else if (body.includes(`"answer to ${note}"`)) counts.calls++;
    else counts.wrong(`session at ${server}: ${body.slice(0, 300)}`);
    await rest(random.below(3_000), signal);
  }
  // Some clients vanish without a word.
  if (random.chance(0.1)) return;
  await sendRaw({
    url,
    method: 'DELETE',
    headers: [
      ['Mcp-Session-Id', legacy.id],
      ['Authorization', `Bearer ${key}`],
    ],
  });
}

async function leaver({ gateway, key, random, counts }: Visit, server: string): Promise<void> {
  const agent = new Agent();
  const tool = server === 'hostile' ? 'tool' : 'slow';
  const url = gateway.endpoint(server);
  await callTool(agent, { url, key, tool, note: 'given up', withinMs: 1 + random.below(300) });
  counts.aborted++;
  agent.destroy();
}
