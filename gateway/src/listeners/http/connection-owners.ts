/** Whose the connections are, and how many each name has. */
import type { Socket } from 'node:net';

/** Whose a connection is, and when that was noted last, in monotonic milliseconds. */
interface Owned {
  readonly caller: string;
  readonly usedAt: number;
}

/** Milliseconds after which the use of a connection is noted again. */
const useMs = 1_000;

/** Connections by the caller that has them; callers, and the connections of each, that were used last are among the last. */
export class Owners {
  readonly #connections = new Map<string, Set<Socket>>();
  readonly #owners = new WeakMap<Socket, Owned>();

  #count = 0;

  /** Callers that have any. */
  get size(): number {
    return this.#connections.size;
  }

  /** Connections of all of them. */
  get count(): number {
    return this.#count;
  }

  isOwner(socket: Socket, caller: string): boolean {
    return this.#owners.get(socket)?.caller === caller;
  }

  /** Makes it one of this caller, and of no other; those of the caller. */
  own(socket: Socket, caller: string): ReadonlySet<Socket> {
    this.leave(socket);
    const own = this.#connections.get(caller) ?? new Set();
    this.#connections.delete(caller);
    this.#connections.set(caller, own.add(socket));
    this.#count++;
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
    this.#count--;
    if (own.size === 0) this.#connections.delete(caller);
  }

  /** Those of each caller. */
  sets(): Iterable<ReadonlySet<Socket>> {
    return this.#connections.values();
  }
}

/** How many there are of each name. */
export class Counts {
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
