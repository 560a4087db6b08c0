/** Files beside the gateway that say how its servers and credentials are, for `server list`: written when they change. */
import type { AuditLog } from '../pipeline/contracts/audit.ts';
import type { Log } from '../telemetry/log.ts';
import { writeCredentialReport } from '../upstreams/credentials/report.ts';
import { remembered, transitions } from '../upstreams/credentials/transitions.ts';
import type { ServerDirectory } from '../upstreams/index.ts';
import { type ServerStates, writeServerStates } from '../upstreams/states.ts';

export interface ReportParts {
  readonly audit: AuditLog;
  readonly log: Log;
  readonly data: () => string;
  readonly credentials: ServerDirectory['credentials'];
  readonly states: () => ServerStates;
}

export class ServerReports {
  readonly #parts: ReportParts;
  #credentials: ReturnType<ServerDirectory['credentials']> = {};
  /** The reports as they were written last. */
  #credentialsReported = '{}';
  #statesReported = '{}';

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  write(): void {
    this.#writeCredentials();
    this.#writeStates();
  }

  /** The state of the gateway's own credentials, never their material. */
  #writeCredentials(): void {
    const { audit, data } = this.#parts;
    const credentials = this.#parts.credentials();
    const report = JSON.stringify(credentials);
    if (report === this.#credentialsReported) return;
    this.#credentialsReported = report;
    for (const { server, problem, ...detail } of transitions(this.#credentials, credentials)) {
      const facts = { server, detail, ...(problem === undefined ? {} : { problem }) };
      audit.note({ kind: 'credential-state', at: Date.now(), ...facts });
    }
    this.#credentials = remembered(this.#credentials, credentials);
    this.#attempt('the state of credentials cannot be written', () => writeCredentialReport(data(), report));
  }

  /** Which servers answer, and what is held back. */
  #writeStates(): void {
    const { data, states } = this.#parts;
    const report = JSON.stringify(states());
    if (report === this.#statesReported) return;
    this.#statesReported = report;
    this.#attempt('the state of servers cannot be written', () => writeServerStates(data(), report));
  }

  #attempt(problem: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.log.warn({ err: error }, problem);
    }
  }
}
