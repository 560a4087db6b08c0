/**
 * How many connections clients may hold. Files are what runs out first: every connection is one, and the evidence log,
 * the stores and the connections to servers need theirs, so clients get at most three quarters of what the process has.
 */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type Networks, networksOf } from '../../protocol/networks.ts';

const share = 0.75;
/** Files that a process may open where the system does not say. */
const assumedFiles = 1_024;
/** From this share of the bound on, connections on which no caller has shown who it is make room for others. */
const crowded = 0.9;
/** The part of the bound that one address may hold, unless it is a proxy or this machine, behind which are many. */
const addressShare = 0.5;

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

export function maxConnectionsWithin(bound: number): number {
  return Math.max(1, Math.min(bound, Math.floor(maxFiles() * share)));
}

export interface ConnectionLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Milliseconds between two lines of the log about connections that were turned away. */
const logPauseMs = 60_000;

export interface Connections {
  /** How many are open. */
  count(): number;
  /** A caller was identified on this connection, which from now on makes room for no stranger. */
  known(socket: Socket): void;
}

/** The same for a connection and for what TLS has wrapped it in. */
const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/** Holds the listener to `max` connections, and each address to its share. `proxies`: addresses with many behind them. */
export function boundConnections(
  server: Server,
  { max, proxies, log }: { readonly max: number; readonly proxies: readonly string[]; readonly log: ConnectionLog },
): Connections {
  const many: Networks = networksOf([...proxies, '127.0.0.0/8', '::1/128']);
  const counts = new Map<string, number>();
  /** Connections without a caller yet, oldest first. Node calls those idle that have had a request, and only those. */
  const strangers = new Map<string, Socket>();
  const identified = new WeakSet<Socket>();
  let open = 0;
  let saidAt = Number.NEGATIVE_INFINITY;
  const turnedAway = (why: string): void => {
    const now = performance.now();
    if (now - saidAt < logPauseMs) return;
    saidAt = now;
    log.warn({ open, max, why }, 'connections turned away: raise bounds.connections and the limit on open files');
  };
  server.maxConnections = max;
  server.on('drop', () => turnedAway('too many connections'));
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const own = (counts.get(address) ?? 0) + 1;
    counts.set(address, own);
    open++;
    const end = endOf(socket);
    strangers.set(end, socket);
    socket.once('close', () => {
      open--;
      if (strangers.get(end) === socket) strangers.delete(end);
      const left = (counts.get(address) ?? 1) - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    });
    if (own > max * addressShare && !many(address)) {
      turnedAway('too many connections of one address');
      socket.destroy();
    } else if (open > max * crowded) makeRoom();
  });
  const makeRoom = (): void => {
    const [oldest] = strangers;
    if (oldest === undefined) return server.closeIdleConnections();
    strangers.delete(oldest[0]);
    oldest[1].destroy();
    turnedAway('too many connections without a caller');
  };
  return {
    count: () => open,
    known(socket) {
      if (identified.has(socket)) return;
      identified.add(socket);
      strangers.delete(endOf(socket));
    },
  };
}
