/** The load of the soak test: the best rate first, a third of it afterwards. */
import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../fuzz/random.ts';
import type { Gateway } from '../harness.ts';
import { type Counts, callTool } from './calls.ts';

export interface Load {
  readonly gateway: Gateway;
  readonly key: string;
  readonly random: Random;
  readonly counts: Counts;
}

const connections = 32;
/** A gateway that answers later than this has not answered. */
const patienceMs = 20_000;
const maxUnderWay = 512;
const maxHostile = 16;

/** Answers per second with every connection busy. */
export async function bestRate(load: Load, forMs: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const before = load.counts.calls;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() - began < forMs) await goodCall(load, agent);
    }),
  );
  agent.destroy();
  return (load.counts.calls - before) / ((performance.now() - began) / 1_000);
}

/** Calls at this rate until the signal; of these, one in fifty goes to the hostile server. */
export async function keepPace(load: Load, perSecond: number, signal: AbortSignal): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const underWay = new Set<Promise<void>>();
  let hostile = 0;
  let sent = 0;
  let began = performance.now();
  while (!signal.aborted) {
    const due = ((performance.now() - began) / 1_000) * perSecond;
    // A load that fell behind does not catch up in a burst.
    if (due - sent > perSecond) [began, sent] = [performance.now(), 0];
    for (; sent < due && underWay.size < maxUnderWay; sent++) {
      const rude = load.random.chance(0.02);
      if (rude && hostile >= maxHostile) continue;
      if (rude) hostile++;
      const call = (rude ? hostileCall(load, agent) : goodCall(load, agent)).finally(() => {
        if (rude) hostile--;
        underWay.delete(call);
      });
      underWay.add(call);
    }
    await pause(5);
  }
  await Promise.all(underWay);
  agent.destroy();
}

let numbered = 0;

async function goodCall({ gateway, key, random, counts }: Load, agent: Agent): Promise<void> {
  const server = random.chance(0.8) ? 'modern' : 'legacy';
  const tool = random.pick(['take', 'take', 'put', 'stream']);
  const note = `${server}-${tool}-${numbered++}`;
  counts.good(note, await callTool(agent, { url: gateway.endpoint(server), key, tool, note, withinMs: patienceMs }));
}

async function hostileCall({ gateway, key, counts }: Load, _shared: Agent): Promise<void> {
  // A connection of its own: a slow answer must not keep a good call from its socket.
  const agent = new Agent();
  const url = gateway.endpoint('hostile');
  await callTool(agent, { url, key, tool: 'tool', note: 'hostile', withinMs: patienceMs });
  agent.destroy();
  counts.hostile++;
}
