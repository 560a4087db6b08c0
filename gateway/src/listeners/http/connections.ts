/**
 * How many connections the clients of a listener may hold. Files are what runs out first: every connection is one, and the
 * evidence log, the stores and the connections to servers need theirs, so clients get a part of what the process has.
 */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type Networks, networksOf } from '../../protocol/networks.ts';

/** Files that a process may open where the system does not say. */
const assumedFiles = 1_024;
/** From this share of the bound on, connections on which no caller has shown who it is make room for others. */
const crowded = 0.9;
/** The part of the bound that one address may hold, unless it is a proxy or this machine, behind which are many. */
const addressShare = 0.5;
/** From this part on that one caller holds, idle connections are closed. Those of a proxy carry requests of many. */
const callerShare = 0.75;
/** Milliseconds between two closings of what is idle, each of which looks at every connection. */
const idlePauseMs = 100;

/** The soft limit on open files, which Node has raised as far as it may (Linux; elsewhere the usual one). */
function maxFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    if (soft === 'unlimited') return Number.POSITIVE_INFINITY;
    return soft === undefined ? assumedFiles : Number(soft);
  } catch {
    // Not Linux: nothing tells.
    return assumedFiles;
  }
}

/** `share`: the part of the files that the process may open. */
export function maxConnectionsWithin(bound: number, share: number): number {
  return Math.max(1, Math.min(bound, Math.floor(maxFiles() * share)));
}

export interface ConnectionLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Milliseconds between two lines of the log about connections that were turned away. */
const logPauseMs = 60_000;

export interface ConnectionBounds {
  readonly max: number;
  /** Addresses with many behind them. */
  readonly proxies: readonly string[];
  readonly log: ConnectionLog;
  /** What an operator can do where that is too few. */
  readonly remedy: string;
}

/** The same for a connection and for what TLS has wrapped it in. */
const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/** Holds a listener to `max` connections, and each address and caller to its share. */
export class Connections {
  readonly #bounds: ConnectionBounds;
  readonly #isProxy: Networks;
  readonly #hasMany: Networks;
  readonly #ofAddresses = new Counts();
  readonly #ofCallers = new Counts();
  /** Connections without a caller yet, oldest first. Node calls those idle that have had a request, and only those. */
  readonly #strangers = new Map<string, Socket>();
  readonly #identified = new WeakSet<Socket>();
  #server: Server | undefined;
  #open = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #idleAt = Number.NEGATIVE_INFINITY;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
    this.#isProxy = networksOf([...bounds.proxies]);
    this.#hasMany = networksOf([...bounds.proxies, '127.0.0.0/8', '::1/128']);
  }

  /** How many are open. */
  get count(): number {
    return this.#open;
  }

  /** From here on these are the connections of this server. */
  watch(server: Server): void {
    this.#server = server;
    server.maxConnections = this.#bounds.max;
    server.on('drop', () => this.#turnedAway('too many connections'));
    server.on('connection', (socket: Socket) => this.#opened(socket));
  }

  /** A caller was identified on this connection, which makes room for no stranger any more. False: it has its share. */
  known(socket: Socket, caller: string): boolean {
    if (this.#identified.has(socket)) return true;
    this.#identified.add(socket);
    this.#strangers.delete(endOf(socket));
    if (socket.destroyed || this.#isProxy(socket.remoteAddress ?? '')) return true;
    const own = this.#ofCallers.add(caller);
    socket.once('close', () => this.#ofCallers.take(caller));
    const { max } = this.#bounds;
    if (own > max * callerShare) this.#closeIdle();
    if (own <= max * crowded) return true;
    this.#turnedAway('too many connections of one caller');
    return false;
  }

  #opened(socket: Socket): void {
    const { max } = this.#bounds;
    const address = socket.remoteAddress ?? '';
    const own = this.#ofAddresses.add(address);
    this.#open++;
    const end = endOf(socket);
    socket.once('close', () => {
      this.#open--;
      if (this.#strangers.get(end) === socket) this.#strangers.delete(end);
      this.#ofAddresses.take(address);
    });
    if (own > max * addressShare && !this.#hasMany(address)) {
      this.#turnedAway('too many connections of one address');
      socket.destroy();
      return;
    }
    if (this.#open > max * crowded) this.#makeRoom();
    // It is the last to make room: its request is on the way.
    this.#strangers.set(end, socket);
  }

  #makeRoom(): void {
    const [oldest] = this.#strangers;
    if (oldest === undefined) return this.#closeIdle();
    this.#strangers.delete(oldest[0]);
    oldest[1].destroy();
    this.#turnedAway('too many connections without a caller');
  }

  #closeIdle(): void {
    const now = performance.now();
    if (now - this.#idleAt < idlePauseMs) return;
    this.#idleAt = now;
    this.#server?.closeIdleConnections();
  }

  #turnedAway(why: string): void {
    const { max, log, remedy } = this.#bounds;
    const now = performance.now();
    if (now - this.#saidAt < logPauseMs) return;
    this.#saidAt = now;
    log.warn({ open: this.#open, max, why }, `connections turned away: ${remedy}`);
  }
}

class Counts {
  readonly #counts = new Map<string, number>();

  add(name: string): number {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count;
  }

  take(name: string): void {
    const left = (this.#counts.get(name) ?? 1) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}
