/** How each server answered last, for `server list` and the metrics: learned from calls, so that nothing is asked for it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularSync } from '../stores/regular-file.ts';
import { writeWhole } from '../stores/whole-file.ts';
import type { HealthState } from './health.ts';
import type { ProbeStep } from './probe.ts';

/** `refused`: it does not take the gateway's credential. `down`: it cannot be reached, or does not answer in time. */
export type Condition = 'up' | 'down' | 'refused';

export interface ServerState {
  /** Absent while it was not called. */
  readonly state?: Condition;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly problem?: string;
  /** Calls that are held back: to the server, or to a tool; for all callers, or for one. */
  readonly breakers?: readonly HeldBack[];
  readonly health?: ServerHealth;
}

export interface HeldBack {
  readonly part?: string;
  readonly caller?: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** What the scheduled checks of a server found. */
export interface ServerHealth {
  readonly state: HealthState;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly why?: string;
  readonly checkedAt?: number;
  readonly steps?: readonly Pick<ProbeStep, 'step' | 'ok' | 'ms' | 'detail'>[];
  readonly certificateDays?: number;
}

type Seen = ServerState & { readonly state: Condition; readonly since: number };

export type ServerStates = Readonly<Record<string, ServerState>>;

const maxProblemLength = 300;
/** In our own words for the status that the server itself answered with: anything else may hold such a number as well. */
const credentialRefused = /^(?:HTTP status|the server refused the gateway's credential with) 40[13]\b/;

export class StateBook {
  /** By server: as many as the configuration has. */
  readonly #states = new Map<string, Seen>();

  /** What the end of an exchange says about its server. `reason`: of a refusal of ours. */
  saw(server: string, end: { readonly reason?: string; readonly detail?: string; readonly outcome: string }): void {
    const { reason, detail = '', outcome } = end;
    if (reason === 'server-unavailable' || reason === 'server-timeout') {
      const state = credentialRefused.test(detail) ? 'refused' : 'down';
      this.#set(server, state, detail.slice(0, maxProblemLength));
    } else if (outcome === 'answered' || outcome === 'tool-error' || outcome === 'error') this.#set(server, 'up');
  }

  #set(server: string, state: Condition, problem?: string): void {
    const before = this.#states.get(server);
    if (before?.state === state && before.problem === problem) return;
    const since = before?.state === state ? before.since : Date.now();
    this.#states.set(server, { state, since, ...(problem === undefined ? {} : { problem }) });
  }

  /** Servers that the configuration has no more are forgotten. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#states.keys()) if (!names.has(name)) this.#states.delete(name);
  }

  of(server: string): ServerState | undefined {
    return this.#states.get(server);
  }

  all(): Readonly<Record<string, Seen>> {
    return Object.fromEntries(this.#states);
  }
}

/** Of one server, this many are told. */
const maxBreakers = 50;

export function withBreakers(
  states: ServerStates,
  open: readonly (HeldBack & { readonly server: string })[],
): ServerStates {
  const all = new Map<string, ServerState>(Object.entries(states));
  for (const { server, part, caller, since } of open) {
    const state = all.get(server) ?? {};
    const { breakers = [] } = state;
    if (breakers.length >= maxBreakers) continue;
    const held = { ...(part !== undefined && { part }), ...(caller !== undefined && { caller }), since };
    all.set(server, { ...state, breakers: [...breakers, held] });
  }
  return Object.fromEntries(all);
}

/** With what checks found; times of steps change with each check, and are asked for at the admin listener. */
export function withHealth(states: ServerStates, found: Readonly<Record<string, ServerHealth>>): ServerStates {
  const all = new Map<string, ServerState>(Object.entries(states));
  for (const [server, { state, since, why, certificateDays }] of Object.entries(found)) {
    const more = { ...(why !== undefined && { why }), ...(certificateDays !== undefined && { certificateDays }) };
    all.set(server, { ...all.get(server), health: { state, since, ...more } });
  }
  return Object.fromEntries(all);
}

/** How a server is by the calls that were made there, where nothing checks it. */
export function healthByCalls({ state, since, problem }: ServerState): ServerHealth {
  const states = { up: 'healthy', down: 'unreachable', refused: 'unauthorised' } as const;
  if (state === undefined || since === undefined) return { state: 'unknown', since: 0, why: 'it was not called yet' };
  return { state: states[state], since, ...(problem !== undefined && { why: problem }) };
}

function pathIn(data: string): string {
  return join(data, 'servers.json');
}

/** Bytes. */
const maxFileBytes = 16 * 1024 ** 2;

/** Throws what the disk says. */
export function writeServerStates(data: string, text: string): void {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeWhole(pathIn(data), text, { durability: 'soon' });
}

/** Empty when no gateway has run here. */
export function readServerStates(data: string): ServerStates {
  const read = readRegularSync(pathIn(data), maxFileBytes);
  try {
    const found = read.ok ? (JSON.parse(read.bytes.toString('utf8')) as unknown) : undefined;
    return typeof found === 'object' && found !== null ? (found as ServerStates) : {};
  } catch {
    // Damaged: the next one takes its place.
    return {};
  }
}
