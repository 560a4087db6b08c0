/**
 * What operators switched off while the gateway runs, beside what the configuration says: kept in the embedded database,
 * which commands and gateways open. Of each server the last decision counts.
 */
import { existsSync } from 'node:fs';
import type { Unrecorded } from '../../stores/recording.ts';
import { type Database, databasePath, openDatabase, transaction } from '../../stores/sqlite/driver.ts';
import { unrecordedOf } from '../../stores/sqlite/unrecorded.ts';

export const controlStates = ['draining', 'disabled', 'quarantined'] as const;
export type ControlState = (typeof controlStates)[number];

export interface ServerControl {
  readonly server: string;
  readonly state: ControlState;
  readonly reason: string;
  /** What clients are told. */
  readonly message?: string;
  /** Such as `os:dana`. */
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** When it ends by itself. */
  readonly until?: number;
}

/** `active`: it counts no more. */
export type ControlDecision = Omit<ServerControl, 'state'> & { readonly state: ControlState | 'active' };

/** A decision, and what was before it. */
export interface Recordable extends ControlDecision {
  readonly from: ControlDecision['state'];
}

/** Of one that is over by itself. */
export const byTime = 'sallyport';
/** Characters of a reason and of a message. */
export const maxReason = 500;

export interface ControlStore {
  /** What counts at this time. */
  current(now: number): readonly ServerControl[];
  /** Adds a decision. Returns the state before it. */
  decide(decision: ControlDecision): ControlDecision['state'];
  /** Ends what is over by itself. True when something was. */
  end(now: number): boolean;
  readonly unrecorded: Unrecorded<Recordable>;
  close(): void;
}

/** Throws when the database cannot be opened; each method when it cannot be read or written. */
export function openControlStore(data: string): ControlStore {
  return storeOf(openDatabase(data));
}

/** For commands: where no gateway has run there is nothing yet. Throws what the database says. */
export function readControls(data: string, now: number): readonly ServerControl[] {
  if (!existsSync(databasePath(data))) return [];
  const store = openControlStore(data);
  try {
    return store.current(now);
  } finally {
    store.close();
  }
}

/** Servers, and decisions without a record, that are read at once. */
const maxRows = 10_000;

const latest = `SELECT * FROM server_controls WHERE id IN (SELECT max(id) FROM server_controls GROUP BY server)`;

function storeOf(database: Database): ControlStore {
  const all = database.prepare(`${latest} ORDER BY server LIMIT ${maxRows}`);
  const ofServer = database.prepare('SELECT state FROM server_controls WHERE server = ? ORDER BY id DESC LIMIT 1');
  const insert = database.prepare(
    `INSERT INTO server_controls (server, state, before, reason, message, decided_by, at, until, is_recorded)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)`,
  );
  // History is in the record.
  const prune = database.prepare('DELETE FROM server_controls WHERE server = ? AND is_recorded = 1 AND id < ?');
  const add = ({ server, state, reason, message, by, at, until }: ControlDecision): ControlDecision['state'] => {
    const before = stateOf(ofServer.get(server)?.['state']);
    const { lastInsertRowid } = insert.run(server, state, before, reason, message ?? null, by, at, until ?? null);
    prune.run(server, lastInsertRowid);
    return before;
  };
  const isOn = ({ state, until }: ControlDecision, now: number): boolean =>
    state !== 'active' && (until === undefined || until > now);
  return {
    current: (now) =>
      all
        .all()
        .map(decisionOf)
        .filter((each): each is ServerControl => isOn(each, now)),
    decide: (decision) => transaction(database, () => add(decision)),
    end(now) {
      const isOver = (each: ControlDecision): boolean => each.state !== 'active' && !isOn(each, now);
      if (!all.all().map(decisionOf).some(isOver)) return false;
      return transaction(database, () => {
        // Another process may have done it while this one waited for the lock.
        const over = all.all().map(decisionOf).filter(isOver);
        for (const { server, until = now } of over)
          add({ server, state: 'active', reason: 'its time is over', by: byTime, at: until });
        return over.length > 0;
      });
    },
    unrecorded: unrecordedOf(database, {
      table: 'server_controls',
      columns: '*',
      order: 'id',
      limit: maxRows,
      read: (row) => ({ ...decisionOf(row), from: stateOf(row['before']) }),
    }),
    close: () => database.close(),
  };
}

function stateOf(value: unknown): ControlDecision['state'] {
  return controlStates.find((state) => state === value) ?? 'active';
}

function decisionOf(row: Readonly<Record<string, unknown>>): ControlDecision {
  const { server, state, reason, message, decided_by: by, at, until } = row;
  return {
    server: String(server),
    state: stateOf(state),
    reason: String(reason),
    ...(typeof message === 'string' && { message }),
    by: String(by),
    at: Number(at),
    ...(until !== null && { until: Number(until) }),
  };
}
