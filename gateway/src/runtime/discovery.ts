/**
 * Servers are looked at from time to time, so that a change of what they define is found where no client asks and the server
 * announces nothing. One look goes on beside calls, is given up after a while, and starts no process.
 */
import type { Configuration } from '../config/schema/index.ts';
import type { DefinitionPins } from '../pins/pins.ts';
import { pinsOf } from '../pins/settings.ts';
import type { PinStore } from '../pins/store.ts';
import type { PinnedKind } from '../protocol/pinned-kinds.ts';
import { inBackground } from '../telemetry/background.ts';
import type { Glance } from '../upstreams/glance.ts';

export type DiscoveryOutcome = 'read' | 'changed' | 'failed' | 'skipped';

export interface DiscoveryParts {
  readonly configuration: () => Configuration;
  /** `undefined` where a look would start a process, or needs the credential of a caller. */
  readonly glance: (server: string) => Glance | undefined;
  readonly pins: Pick<DefinitionPins, 'judge' | 'judgeInstructions' | 'met' | 'renew'>;
  readonly store: Pick<PinStore, 'current'>;
  readonly onLook: (server: string, outcome: DiscoveryOutcome) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Looks that go on at the same time, and milliseconds after which one is given up. */
const maxRunning = 4;
const maxLookMs = 30_000;
const kinds = ['tools', 'prompts', 'templates'] as const;

export class ScheduledDiscovery {
  readonly #parts: DiscoveryParts;
  /** By server. */
  readonly #due = new Map<string, number>();
  readonly #running = new Set<string>();

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
  }

  /** Begins what is due. Asked every second. */
  look(): void {
    const { configuration, now, random } = this.#parts;
    const current = configuration();
    for (const name of this.#due.keys()) if (everyOf(current, name) === undefined) this.#due.delete(name);
    for (const name of Object.keys(current.servers)) {
      const every = everyOf(current, name);
      if (every === undefined || this.#running.has(name)) continue;
      const due = this.#due.get(name);
      // Of many gateways that start together none looks when the others do.
      if (due === undefined) this.#due.set(name, now() + every * (0.5 + random() / 2));
      else if (due > now() + every * 1.2) this.#due.set(name, now() + every);
      else if (due <= now() && this.#running.size < maxRunning) {
        this.#due.set(name, now() + every * (0.8 + random() * 0.4));
        inBackground('look at a server', this.#lookAt(name));
      }
    }
  }

  async #lookAt(name: string): Promise<void> {
    const { glance, onLook } = this.#parts;
    const over = glance(name);
    if (over === undefined) return onLook(name, 'skipped');
    this.#running.add(name);
    const timer = setTimeout(() => over.end(), maxLookMs).unref();
    try {
      onLook(name, await this.#read(over));
    } finally {
      clearTimeout(timer);
      over.end();
      this.#running.delete(name);
    }
  }

  async #read(over: Glance): Promise<DiscoveryOutcome> {
    const { pins, store } = this.#parts;
    const { server } = over;
    const facts = await over.facts();
    if (facts === undefined) return 'failed';
    const seen = (kind: PinnedKind): string =>
      [...(store.current(server, kind) ?? [])]
        .map((pair) => JSON.stringify(pair))
        .toSorted()
        .join('\n');
    const changed = new Set<PinnedKind>();
    const judged = async (kind: PinnedKind, judge: () => Promise<unknown>): Promise<void> => {
      const before = seen(kind);
      await judge();
      if (seen(kind) !== before) changed.add(kind);
    };
    const { instructions, capabilities } = facts;
    pins.met(server, facts);
    if (instructions !== undefined) await judged('instructions', () => pins.judgeInstructions(over, instructions));
    for (const kind of kinds) {
      if (capabilities[kind === 'templates' ? 'resources' : kind] === undefined) continue;
      const list = await over.list(kind);
      // Some servers declare resources and know no templates.
      if (list.ok) await judged(kind, () => pins.judge(over, kind, list.items));
      else if (kind !== 'templates') return 'failed';
    }
    // Lists that are remembered for callers are older than this.
    if (changed.size > 0) pins.renew(server);
    return changed.size > 0 ? 'changed' : 'read';
  }
}

/** Milliseconds; `undefined` where a server is not looked at. */
function everyOf(configuration: Configuration, name: string): number | undefined {
  const { servers } = configuration;
  if (!Object.hasOwn(servers, name) || servers[name]?.status !== 'active') return undefined;
  const { mode, every } = pinsOf(configuration, name);
  return mode === 'off' || every === 'off' ? undefined : every;
}
