/**
 * How many connections the clients of a listener may hold. Files are what runs out first: every connection is one, and the
 * evidence log, the stores and the connections to servers need theirs, so clients get a part of what the process has.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Networks, networksOf } from '../../protocol/networks.ts';
import { Counts, Owners } from './connection-owners.ts';

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
/** Milliseconds between two looks for what to close, as each may be at every connection, and the part that one look closes. */
const closingPauseMs = 100;
/** Connections that are looked at for an idle one in place of the first one of a caller. */
const maxLooks = 1_000;
const closedAtOnce = 0.02;
/** The part that callers leave to those who have not shown yet who they are. */
const strangersShare = 0.02;
/** Where callers hold nine tenths together: of what the others leave, the part that one may take. */
const leftShare = 2 / 3;
/** Of what is free then, the part that counts in place of an equal part where that is less. */
const freeShare = 1 / 8;
/** Milliseconds after which a whole answer that its client has not taken may be closed. */
const untakenMs = 1_000;
/** Milliseconds between two lines of the log about connections that were turned away. */
const logPauseMs = 60_000;

export interface ConnectionLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

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
  /** Those with a caller, and whether they are among `#ofCallers` or `#ofProxies`. */
  readonly #identified = new WeakMap<Socket, Owners>();
  /** What is being answered on a connection, or was last. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();
  /** Of an answer that waits for the one ahead of it on its connection. */
  readonly #ahead = new WeakMap<ServerResponse, ServerResponse>();
  /** Whole answers that were not taken when they were looked at, and when that was first. */
  readonly #untaken = new WeakMap<ServerResponse, number>();
  /** When those of a caller were last found to be more in use than its share. */
  readonly #beyondAt = new WeakMap<ReadonlySet<Socket>, number>();
  #open = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #ownClosedAt = Number.NEGATIVE_INFINITY;
  #idleClosedAt = Number.NEGATIVE_INFINITY;
  #wasIdle = false;
  #busyClosedAt = Number.NEGATIVE_INFINITY;

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
    if (ahead?.writableFinished === false) {
      this.#ahead.set(response, ahead);
      response.once('socket', () => this.#ahead.delete(response));
    }
    return ahead;
  }

  /** Has everything that was asked on it been answered, and taken? What a client still reads is not over. */
  isIdle(socket: Socket): boolean {
    return this.#answers.get(socket)?.writableFinished !== false;
  }

  /** Of the answers that are not over, the one that comes first. */
  #answering(socket: Socket): ServerResponse | undefined {
    let answer = this.#answers.get(socket);
    for (let ahead = answer; ahead !== undefined; ahead = this.#ahead.get(ahead)) answer = ahead;
    return answer;
  }

  /** Is its request still coming? No call is under way on it, however long that takes, and also where it was refused already. */
  #isSending(socket: Socket): boolean {
    const answer = this.#answering(socket);
    return answer !== undefined && answer.socket !== null && !answer.req.complete;
  }

  /** Is its answer whole, and has waited for its client for a while? */
  #isUntaken(socket: Socket, now: number): boolean {
    const answer = this.#answering(socket);
    if (answer === undefined || !answer.writableEnded || answer.writableFinished) return false;
    const since = this.#untaken.get(answer) ?? now;
    this.#untaken.set(answer, since);
    return now - since >= untakenMs;
  }

  /** What callers hold together. */
  get #held(): number {
    return this.#ofCallers.count + this.#ofProxies.count;
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
    if (own.size > max * callerCrowded) this.#closeOwn(own);
    if (own.size <= Math.max(1, max * callerShare) && this.#hasRoomFor(own, socket)) return true;
    this.#turnedAway('too many connections of one caller');
    return false;
  }

  /** Several that hold much together leave room as one does. */
  #hasRoomFor(own: ReadonlySet<Socket>, newest: Socket): boolean {
    const { max } = this.#bounds;
    if (this.#held <= max * crowded) return true;
    // Also for one beyond its part: where its request opened no connection, as of a proxy, nothing else makes room.
    const wasIdle = this.#closeIdle();
    const forCallers = Math.max(1, max - Math.ceil(max * strangersShare));
    // Of many callers, the part of each is less than the stream and the calls of one client.
    const part = Math.max(max * this.#equalShare, (forCallers - this.#held) * freeShare);
    if (this.#isBusyBeyond(own, part)) return false;
    // Each takes a part of what the others leave, so that something is left also where calls are under way on everything.
    const left = forCallers - (this.#held - own.size);
    // Idle ones as well, as requests may begin on all of them at once.
    if (own.size > Math.min(part, Math.max(1, left * leftShare))) this.#closeOldestIdle([own], newest);
    if (!wasIdle) this.#closeSlow(newest);
    // As many callers as connections: the first one of a caller takes the place of an idle one.
    if (left <= 0 && own.size === 1 && wasIdle) {
      return (this.#wasIdle = this.#closeOldestIdle(this.#sets(), newest, maxLooks));
    }
    return left > 0 && !this.#isBusyBeyond(own, left * leftShare);
  }

  /** The part of each caller where they hold nine tenths together. */
  get #equalShare(): number {
    return crowded / (this.#ofCallers.size + this.#ofProxies.size);
  }

  /**
   * Are more of them in use? What a proxy, or a client, keeps for the next request counts for none. Where more were a moment
   * ago, that holds still: else each connection that is refused would cost a look at all of them.
   */
  #isBusyBeyond(own: ReadonlySet<Socket>, share: number): boolean {
    const most = Math.max(1, share);
    if (own.size <= most) return false;
    const now = performance.now();
    if (now - (this.#beyondAt.get(own) ?? Number.NEGATIVE_INFINITY) < closingPauseMs) return true;
    let busy = 0;
    for (const socket of own) if (!this.isIdle(socket) && ++busy > most) break;
    if (busy > most) this.#beyondAt.set(own, now);
    return busy > most;
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
    this.#makeRoom();
    // It is the last to make room: its request is on the way.
    this.#strangers.set(end, { socket, at: performance.now() });
  }

  /** For one that has just come. Nothing that a caller uses is closed for it, as it may be of no caller. */
  #makeRoom(): void {
    const { max } = this.#bounds;
    if (this.#open <= max * crowded) return;
    const [oldest] = this.#strangers;
    if (oldest === undefined) return void this.#closeIdle();
    const [end, { socket, at }] = oldest;
    if (this.#open <= max * full && performance.now() - at < freshMs) return;
    this.#strangers.delete(end);
    socket.destroy();
    this.#turnedAway('too many connections without a caller');
  }

  /** Idle ones of a caller that holds much. */
  #closeOwn(own: ReadonlySet<Socket>): void {
    const now = performance.now();
    if (now - this.#ownClosedAt < closingPauseMs) return;
    this.#ownClosedAt = now;
    this.#closeSome([own], (socket) => this.isIdle(socket));
  }

  /** In place of the newest, without a pause: else a caller could open idle ones faster than they are closed for others. */
  #closeOldestIdle(
    owners: Iterable<ReadonlySet<Socket>>,
    newest: Socket,
    maxLooks = Number.POSITIVE_INFINITY,
  ): boolean {
    let looks = 0;
    for (const own of owners)
      for (const socket of own) {
        if (++looks > maxLooks) return false;
        if (socket === newest || socket.destroyed || !this.isIdle(socket)) continue;
        socket.destroy();
        return true;
      }
    return false;
  }

  /** True where there was something, now or at the last look. */
  #closeIdle(): boolean {
    const now = performance.now();
    if (now - this.#idleClosedAt < closingPauseMs) return this.#wasIdle;
    this.#idleClosedAt = now;
    this.#wasIdle = this.#closeSome(this.#largestFirst(), (socket) => this.isIdle(socket)) > 0;
    return this.#wasIdle;
  }

  /**
   * Where nothing is idle, of those who hold more than an equal part: requests that are still coming, and answers that are
   * not taken for long. Calls under way are not closed: of those a caller has no more than its share.
   */
  #closeSlow(newest: Socket): void {
    const now = performance.now();
    if (now - this.#busyClosedAt < closingPauseMs) return;
    this.#busyClosedAt = now;
    const part = Math.max(1, this.#bounds.max * this.#equalShare);
    const larger = this.#largestFirst().filter(({ size }) => size > part);
    const isSlow = (socket: Socket): boolean => this.#isSending(socket) || this.#isUntaken(socket, now);
    this.#closeSome(larger, (socket) => socket !== newest && isSlow(socket), part);
  }

  /** Of each caller, those of the one that was used last at the end. */
  *#sets(): Generator<ReadonlySet<Socket>> {
    yield* this.#ofCallers.sets();
    yield* this.#ofProxies.sets();
  }

  #largestFirst(): readonly ReadonlySet<Socket>[] {
    return [...this.#sets()].toSorted((one, other) => other.size - one.size);
  }

  /** Closes some of these, caller by caller, and leaves each caller at least `least`. Returns how many were closed. */
  #closeSome(owners: Iterable<ReadonlySet<Socket>>, isOne: (socket: Socket) => boolean, least = 0): number {
    const most = Math.ceil(this.#bounds.max * closedAtOnce);
    let closed = 0;
    for (const sockets of owners) {
      let left = sockets.size;
      for (const socket of sockets) {
        if (left - 1 < least) break;
        if (socket.destroyed || !isOne(socket)) continue;
        socket.destroy();
        left--;
        if (++closed === most) return closed;
      }
    }
    return closed;
  }

  #turnedAway(why: string): void {
    const { max, log, remedy } = this.#bounds;
    const now = performance.now();
    if (now - this.#saidAt < logPauseMs) return;
    this.#saidAt = now;
    log.warn({ open: this.#open, max, why }, `connections turned away: ${remedy}`);
  }
}
