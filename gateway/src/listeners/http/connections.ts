/**
 * How many connections the clients of a listener may hold. Files are what runs out first: every connection is one, and the
 * evidence log, the stores and the connections to servers need theirs, so clients get a part of what the process has.
 */
import { readFileSync } from 'node:fs';
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Networks, networksOf } from '../../protocol/networks.ts';

/** Files that a process may open where the system does not say. */
const assumedFiles = 1_024;
/** From this share of the bound on, connections on which no caller has shown who it is make room for others. */
const crowded = 0.9;
/** From this share on also those that have just come: their requests are on the way. */
const full = 0.95;
/** Milliseconds within which one has just come. */
const freshMs = 1_000;
/** The part of the bound that one address may hold, unless it is a proxy or this machine, behind which are many. */
const addressShare = 0.5;
/** The part that one caller may hold; of the connections of proxies, those whose last request was its own. */
const callerShare = 0.75;
/** From this part on that one caller holds, idle connections of it are closed. */
const callerCrowded = 0.6;
/** Milliseconds between two closings of what is idle or slow, each of which may look at every connection, and the part that one closes. */
const idlePauseMs = 100;
const closedAtOnce = 0.02;

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
const endOf = ({ remoteAddress, remotePort, localAddress }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`;

interface Stranger {
  readonly socket: Socket;
  readonly at: number;
}

/** Holds a listener to `max` connections, and each address and caller to its share. */
export class Connections {
  readonly #bounds: ConnectionBounds;
  readonly #isProxy: Networks;
  readonly #hasMany: Networks;
  readonly #ofAddresses = new Counts();
  readonly #ofCallers = new Owners();
  readonly #ofProxies = new Owners();
  /** Connections without a caller yet, and those of proxies without one any more, oldest first. */
  readonly #strangers = new Map<string, Stranger>();
  /** Those with a caller, and among which of these two they are. */
  readonly #identified = new WeakMap<Socket, Owners>();
  /** What is being answered on a connection, or was last. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();
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
    server.maxConnections = this.#bounds.max;
    server.on('drop', () => {
      this.#turnedAway('too many connections');
      this.#makeRoom();
    });
    server.on('connection', (socket: Socket) => this.#opened(socket));
  }

  /** A request has come. Those of a connection are answered in their order, so this one is the last to be: after the one returned. */
  asked(socket: Socket, response: ServerResponse): ServerResponse | undefined {
    const ahead = this.#answers.get(socket);
    this.#answers.set(socket, response);
    return ahead;
  }

  /** Has everything that was asked on it been answered, and taken? What a client still reads is not over. */
  isIdle(socket: Socket): boolean {
    return this.#answers.get(socket)?.writableFinished !== false;
  }

  /** Is its request still coming? No call is under way on it, however long that takes, and also where it was refused already. */
  #isSending(socket: Socket): boolean {
    const answer = this.#answers.get(socket);
    return answer !== undefined && answer.socket !== null && !answer.req.complete;
  }

  /** A caller was identified on this connection, which makes room for no stranger any more. False: it has its share. */
  known(socket: Socket, caller: string): boolean {
    const among = this.#identified.get(socket);
    // A proxy sends requests of many on one connection, which is that of the last one.
    if (among !== undefined && (among === this.#ofCallers || among.isOwner(socket, caller))) {
      among.used(socket);
      return true;
    }
    const owners = among ?? this.#firstOf(socket);
    if (socket.destroyed) return true;
    if (owners === this.#ofProxies) this.#strangers.delete(endOf(socket));
    const own = owners.own(socket, caller);
    const { max } = this.#bounds;
    if (own.size > max * callerCrowded) this.#closeSome(() => [own], [(each) => this.isIdle(each)]);
    // Several that hold much together leave room as one does. What a proxy keeps for the next request counts for none of them.
    const isCrowded = this.#open > max * crowded && owners === this.#ofCallers;
    const share = isCrowded ? Math.min(callerShare, crowded / owners.size) : callerShare;
    if (own.size <= Math.max(1, max * share)) return true;
    this.#turnedAway('too many connections of one caller');
    return false;
  }

  /** A request of no caller has come on this connection: one of a proxy is no longer that of the caller before. */
  unknown(socket: Socket): void {
    const owners = this.#identified.get(socket);
    if (owners !== this.#ofProxies || socket.destroyed) return;
    owners.leave(socket);
    const end = endOf(socket);
    this.#strangers.delete(end);
    this.#strangers.set(end, { socket, at: performance.now() });
  }

  #firstOf(socket: Socket): Owners {
    const owners = this.#isProxy(socket.remoteAddress ?? '') ? this.#ofProxies : this.#ofCallers;
    this.#identified.set(socket, owners);
    const end = endOf(socket);
    this.#strangers.delete(end);
    socket.once('close', () => {
      owners.leave(socket);
      if (this.#strangers.get(end)?.socket === socket) this.#strangers.delete(end);
    });
    return owners;
  }

  #opened(socket: Socket): void {
    const { max } = this.#bounds;
    const address = socket.remoteAddress ?? '';
    const own = this.#ofAddresses.add(address);
    this.#open++;
    const end = endOf(socket);
    socket.once('close', () => {
      this.#open--;
      if (this.#strangers.get(end)?.socket === socket) this.#strangers.delete(end);
      this.#ofAddresses.take(address);
    });
    if (own > max * addressShare && !this.#hasMany(address)) {
      this.#turnedAway('too many connections of one address');
      socket.destroy();
      return;
    }
    if (this.#open > max * crowded) this.#makeRoom();
    // It is the last to make room: its request is on the way.
    this.#strangers.set(end, { socket, at: performance.now() });
  }

  #makeRoom(): void {
    const [oldest] = this.#strangers;
    if (oldest === undefined)
      // What few hold is closed last, and calls that are under way not at all: of those a caller has no more than its share.
      return this.#closeSome(
        () => [...this.#ofCallers.largestFirst(), ...this.#ofProxies.largestFirst()],
        [(each) => this.isIdle(each), (each) => this.#isSending(each)],
      );
    const [end, { socket, at }] = oldest;
    if (this.#open <= this.#bounds.max * full && performance.now() - at < freshMs) return;
    this.#strangers.delete(end);
    socket.destroy();
    this.#turnedAway('too many connections without a caller');
  }

  /** Closes some of these, of the first kind that there is, one after the other. */
  #closeSome(owners: () => readonly ReadonlySet<Socket>[], kinds: readonly ((socket: Socket) => boolean)[]): void {
    const now = performance.now();
    if (now - this.#idleAt < idlePauseMs) return;
    this.#idleAt = now;
    const most = Math.ceil(this.#bounds.max * closedAtOnce);
    const all = owners();
    let closed = 0;
    for (const isOne of kinds) {
      if (closed > 0) return;
      for (const sockets of all)
        for (const socket of sockets) {
          if (!isOne(socket)) continue;
          if (closed++ === most) return;
          socket.destroy();
        }
    }
  }

  #turnedAway(why: string): void {
    const { max, log, remedy } = this.#bounds;
    const now = performance.now();
    if (now - this.#saidAt < logPauseMs) return;
    this.#saidAt = now;
    log.warn({ open: this.#open, max, why }, `connections turned away: ${remedy}`);
  }
}

/** Whose a connection is, and when that was noted last, in monotonic milliseconds. */
interface Owned {
  readonly caller: string;
  readonly usedAt: number;
}

/** Milliseconds after which the use of a connection is noted again. */
const useMs = 1_000;

/** Connections by the caller that has them; of each caller the one that was used last is among the last. */
class Owners {
  readonly #connections = new Map<string, Set<Socket>>();
  readonly #owners = new WeakMap<Socket, Owned>();

  /** Callers that have any. */
  get size(): number {
    return this.#connections.size;
  }

  isOwner(socket: Socket, caller: string): boolean {
    return this.#owners.get(socket)?.caller === caller;
  }

  /** Makes it one of this caller, and of no other; those of the caller. */
  own(socket: Socket, caller: string): ReadonlySet<Socket> {
    this.leave(socket);
    const own = this.#connections.get(caller) ?? new Set();
    this.#connections.set(caller, own.add(socket));
    this.#owners.set(socket, { caller, usedAt: performance.now() });
    return own;
  }

  /** It is used again. Called for each request. */
  used(socket: Socket): void {
    const owned = this.#owners.get(socket);
    if (owned !== undefined && performance.now() - owned.usedAt > useMs) this.own(socket, owned.caller);
  }

  leave(socket: Socket): void {
    const caller = this.#owners.get(socket)?.caller;
    const own = caller === undefined ? undefined : this.#connections.get(caller);
    if (caller === undefined || own === undefined) return;
    this.#owners.delete(socket);
    own.delete(socket);
    if (own.size === 0) this.#connections.delete(caller);
  }

  largestFirst(): readonly ReadonlySet<Socket>[] {
    return [...this.#connections.values()].toSorted((one, other) => other.size - one.size);
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
