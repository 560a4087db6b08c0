/** What operators switched off: followed while the gateway runs, and recorded with who did it and why. */

import type { AuditEvent, AuditLog } from '../pipeline/contracts/audit.ts';
import type { ServerStatus } from '../pipeline/contracts/snapshot.ts';
import { Recording } from '../stores/recording.ts';
import type { Log } from '../telemetry/log.ts';
import type { ControlStore, Recordable, ServerControl } from '../upstreams/controls/store.ts';

export interface ServerControlParts {
  readonly store: ControlStore;
  readonly audit: AuditLog;
  readonly log: Log;
}

const strictness: readonly ServerStatus[] = ['active', 'draining', 'disabled', 'inactive', 'quarantined'];

/** The stricter one counts: a command opens nothing that the file closes, and the file nothing that a command closed. */
export function stricter(one: ServerStatus, other: ServerStatus | undefined): ServerStatus {
  return other === undefined || strictness.indexOf(one) >= strictness.indexOf(other) ? one : other;
}

export class ServerControls {
  readonly #parts: ServerControlParts;
  readonly #decisions: Recording<Recordable, AuditEvent>;
  #current: ReadonlyMap<string, ServerControl>;

  /** Throws when the database cannot be read: what was switched off must not be called because of that. */
  constructor(parts: ServerControlParts) {
    this.#parts = parts;
    this.#decisions = new Recording(parts.store.unrecorded, parts.audit);
    this.#endOver();
    this.#current = this.#read();
  }

  of(server: string): ServerControl | undefined {
    return this.#current.get(server);
  }

  /** Servers for which something else counts than at the last look. Throws when it cannot be read. */
  look(): ReadonlySet<string> {
    this.#endOver();
    const before = this.#current;
    this.#current = this.#read();
    const isSame = (server: string): boolean => {
      const [one, other] = [before.get(server), this.#current.get(server)];
      return one?.at === other?.at && one?.state === other?.state && one?.until === other?.until;
    };
    return new Set([...before.keys(), ...this.#current.keys()].filter((server) => !isSame(server)));
  }

  /** Whether one of them is over by the clock. Asks no database. */
  isDue(now: number): boolean {
    for (const { until } of this.#current.values()) if (until !== undefined && until <= now) return true;
    return false;
  }

  #read(): ReadonlyMap<string, ServerControl> {
    return new Map(this.#parts.store.current(Date.now()).map((each) => [each.server, each]));
  }

  #endOver(): void {
    this.#parts.store.end(Date.now());
    this.recordDecisions();
  }

  /** Each decision is a record, whichever process made it, and also when no gateway ran then. */
  recordDecisions(): void {
    this.#decisions.record(this.#decisions.take(Date.now()), ({ server, state, from, reason, by, at, until }) => {
      const detail = { from, to: state, by, reason, ...(until !== undefined && { until }) };
      this.#parts.log.warn({ server, ...detail }, 'an operator switched a server');
      return { kind: 'server-control', at, server, detail };
    });
  }

  /** Answers when what was decided until now has a durable record, or that takes too long. */
  async settled(): Promise<void> {
    await this.#decisions.settled();
  }
}
