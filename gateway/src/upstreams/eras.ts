/**
 * The eras that one server speaks, as handshakes with it have shown. A client is served in its own era where the server
 * has it: what the server may ask, and how, depends on the era of the connection (2026-07-28, versioning).
 */
import type { ServerConfig } from '../config/schema/servers.ts';
import type { Era } from '../protocol/versions.ts';

/** Milliseconds. A server may be replaced by one of another era at any time, and would be spoken to as before. */
const refusalAgeMs = 600_000;

interface Verdict {
  readonly speaks: boolean;
  readonly at: number;
}

export class Eras {
  readonly #declared: Era | undefined;
  /** An HTTP server is replaced behind its address; a program cannot change while it runs. */
  readonly #isHttp: boolean;
  readonly #verdicts = new Map<Era, Verdict>();
  /** The server is known to have the transport of 2024-11-05 only. */
  hasOldTransport = false;

  constructor(config: ServerConfig) {
    this.#isHttp = 'url' in config;
    const isOld = 'url' in config && config.transport === 'sse';
    this.#declared = isOld ? 'legacy' : config.era === 'auto' ? undefined : config.era;
  }

  /** The only era in which the operator lets the server be spoken to, if there is one. */
  get declared(): Era | undefined {
    return this.#declared;
  }

  /** The era of a connection for clients of this one. */
  serving(client: Era): Era {
    if (this.#declared !== undefined) return this.#declared;
    const other = otherEra(client);
    return this.speaks(client) === false && this.speaks(other) !== false ? other : client;
  }

  /** `undefined`: not known, or no more. */
  speaks(era: Era): boolean | undefined {
    if (this.#declared !== undefined) return era === this.#declared;
    const verdict = this.#verdicts.get(era);
    if (verdict === undefined) return undefined;
    if (this.#isHttp && isOld(verdict)) return undefined;
    return verdict.speaks;
  }

  found(era: Era, speaks: boolean): void {
    this.#verdicts.set(era, { speaks, at: performance.now() });
  }

  /** A process has ended: the next one may be of a newer release. */
  renew(): void {
    for (const [era, verdict] of this.#verdicts) if (isOld(verdict)) this.#verdicts.delete(era);
  }

  /** The server did not behave as its era says: it is asked again before the next connection. */
  forget(): void {
    this.#verdicts.clear();
    this.hasOldTransport = false;
  }
}

export function otherEra(era: Era): Era {
  return era === 'modern' ? 'legacy' : 'modern';
}

function isOld({ speaks, at }: Verdict): boolean {
  return !speaks && performance.now() - at > refusalAgeMs;
}
