/** Looks at servers again and again, as their configuration says, and knows how each of them is, and since when. */
import type { Configuration } from '../config/schema/index.ts';
import type { AuditLog } from '../pipeline/contracts/audit.ts';
import type { ServerStatus } from '../pipeline/contracts/snapshot.ts';
import { inBackground } from '../telemetry/background.ts';
import type { Log } from '../telemetry/log.ts';
import type { Checked, HealthState } from '../upstreams/health.ts';
import type { ServerHealth } from '../upstreams/states.ts';

export interface HealthParts {
  readonly audit: AuditLog;
  readonly log: Log;
  /** `undefined`: nothing of it runs that could be asked. */
  readonly check: (server: string) => Promise<Checked | undefined>;
  readonly statusOf: (server: string) => ServerStatus | undefined;
  /** Whether the standby credential of the server is presented. */
  readonly isOnStandby: (server: string) => boolean;
}

/** A server that is checked. */
interface Watched {
  readonly every: number;
  /** What the configuration says of it: what changes is looked at anew. */
  readonly digest: string;
  timer: NodeJS.Timeout | undefined;
  isRunning: boolean;
  health: ServerHealth;
}

/** Checks are this much earlier or later, so that they do not all come at once. */
const jitter = 0.2;
/** The first one comes soon after the start. */
const firstWithinMs = 2_000;
/** Checks at the same time. */
const maxRunning = 16;
const busyPauseMs = 500;

export class HealthChecks {
  readonly #parts: HealthParts;
  /** By server: those of the configuration that are checked. */
  readonly #watched = new Map<string, Watched>();
  #running = 0;
  #closed = false;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  configure({ servers }: Pick<Configuration, 'servers'>): void {
    for (const [name, watched] of this.#watched)
      if (!Object.hasOwn(servers, name) || servers[name]?.health === undefined) {
        clearTimeout(watched.timer);
        this.#watched.delete(name);
      }
    for (const [name, server] of Object.entries(servers)) {
      if (server.health === undefined) continue;
      const digest = JSON.stringify(server);
      const known = this.#watched.get(name);
      if (known?.digest === digest) continue;
      clearTimeout(known?.timer);
      const health = known?.health ?? { state: 'unknown', since: Date.now(), why: 'not checked yet' };
      const watched: Watched = { every: server.health.every, digest, timer: undefined, isRunning: false, health };
      this.#watched.set(name, watched);
      this.#plan(name, watched, Math.random() * Math.min(firstWithinMs, watched.every));
    }
  }

  /** `undefined` for a server that is not checked. */
  of(server: string): ServerHealth | undefined {
    return this.#watched.get(server)?.health;
  }

  all(): Readonly<Record<string, ServerHealth>> {
    return Object.fromEntries([...this.#watched].map(([name, { health }]) => [name, health]));
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
  }

  #plan(name: string, watched: Watched, afterMs: number): void {
    if (this.#closed || this.#watched.get(name) !== watched) return;
    watched.timer = setTimeout(() => {
      if (this.#running >= maxRunning) return this.#plan(name, watched, busyPauseMs);
      inBackground('check server', this.#look(name, watched));
    }, afterMs).unref();
  }

  async #look(name: string, watched: Watched): Promise<void> {
    this.#running++;
    try {
      await this.#checked(name, watched);
    } finally {
      this.#running--;
      this.#plan(name, watched, watched.every * (1 - jitter + 2 * jitter * Math.random()));
    }
  }

  async #checked(name: string, watched: Watched): Promise<void> {
    const { check, statusOf, isOnStandby } = this.#parts;
    const status = statusOf(name);
    if (status !== 'active' && status !== 'draining')
      return this.#found(name, watched, { state: 'unknown', why: `it is ${status ?? 'not configured'}`, steps: [] });
    const before = isOnStandby(name);
    const found = await check(name);
    // What was refused is so, although the check went on with another credential.
    if (!before && isOnStandby(name))
      this.#found(name, watched, { state: 'unauthorised', why: 'the server refused the credential', steps: [] });
    this.#found(name, watched, found ?? { state: 'unknown', why: 'it does not run', steps: [] });
  }

  #found(name: string, watched: Watched, { state, why, steps, certificateDays }: Checked): void {
    if (this.#closed || this.#watched.get(name) !== watched) return;
    const { health: before } = watched;
    const at = Date.now();
    watched.health = {
      state,
      since: before.state === state ? before.since : at,
      ...(why !== undefined && { why }),
      checkedAt: at,
      steps: steps.map(({ step, ok, ms, detail }) => ({ step, ok, ms, detail })),
      ...(certificateDays !== undefined && { certificateDays }),
    };
    if (before.state !== state) this.#tell(name, before.state, watched.health);
  }

  /** Each change of state is a record: checks that say the same again are not. */
  #tell(server: string, from: HealthState, { state, why }: ServerHealth): void {
    const { audit, log } = this.#parts;
    const isGood = state === 'healthy' || state === 'unknown';
    // What is known of a server for the first time is worth one where it is bad.
    if (!(from === 'unknown' && isGood))
      audit.note({
        kind: 'server-health',
        at: Date.now(),
        server,
        detail: { from, to: state },
        ...(why !== undefined && { problem: why }),
      });
    const told = { server, from, state, ...(why !== undefined && { why }) };
    if (isGood) log.info(told, 'the health of a server changed');
    else log.warn(told, 'the health of a server changed');
  }
}

/** A credential was refused, and another one takes its place. */
export function standbyReporter({ audit, log }: Pick<HealthParts, 'audit' | 'log'>): (server: string) => void {
  return (server) => {
    const detail = { from: 'credential', to: 'standby' };
    audit.note({ kind: 'credential-standby', at: Date.now(), server, detail });
    log.warn({ server }, 'the server refused our credential: the standby takes its place');
  };
}

/** 200 for a server that can be used, 503 for one that cannot, or of which nothing is known. */
export function healthAnswer(
  server: string,
  health: ServerHealth | undefined,
): { readonly status: number; readonly text: string } | undefined {
  if (health === undefined) return undefined;
  const { state, since, checkedAt, ...rest } = health;
  const times = {
    ...(since > 0 && { since: new Date(since).toISOString() }),
    ...(checkedAt !== undefined && { checkedAt: new Date(checkedAt).toISOString() }),
  };
  const isReady = state === 'healthy' || state === 'degraded';
  return { status: isReady ? 200 : 503, text: `${JSON.stringify({ server, state, ...times, ...rest })}\n` };
}
