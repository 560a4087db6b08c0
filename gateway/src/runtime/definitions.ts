/** What the process does about definitions: the pins, what waits for review, and the records of decisions about it. */
import type { Revision } from '../config/revision.ts';
import { DefinitionPins, type NewDefinition } from '../pins/pins.ts';
import { pinsOf, serversWithNew } from '../pins/settings.ts';
import type { PinStore } from '../pins/store.ts';
import type { AuditLog } from '../pipeline/contracts/audit.ts';
import { shownInLine } from '../protocol/shown.ts';
import { suspicions } from '../stages/inspect/suspicions.ts';
import type { Log } from '../telemetry/log.ts';

export interface DefinitionsParts {
  readonly store: PinStore;
  readonly audit: AuditLog;
  readonly log: Log;
}

/** Lines and records about what waits, of one server: as many at once, and so many more in a second. */
const maxTold = 50;
const toldInSecond = 1;

export class Definitions {
  readonly pins: DefinitionPins;
  readonly #parts: DefinitionsParts;
  /** By server: how much may be told, and since when that is so. */
  readonly #told = new Map<string, { left: number; at: number; untold: number }>();
  /** Servers of which a rule shows what is new. */
  #included: ReadonlySet<string> = new Set();
  #isTroubled = false;

  constructor(parts: DefinitionsParts) {
    this.#parts = parts;
    this.pins = new DefinitionPins({
      store: parts.store,
      suspect: suspicions,
      onNew: (found) => this.#tell(found),
      onTrouble: (error) => {
        if (!this.#isTroubled)
          parts.log.error({ err: error }, 'pins cannot be read or written: what is not known is hidden');
        this.#isTroubled = true;
      },
      now: Date.now,
    });
    this.recordDecisions();
  }

  configure({ configuration, lock }: Revision): void {
    const { servers } = configuration;
    this.#included = serversWithNew(configuration);
    this.pins.configure(
      (server) => ({ ...pinsOf(configuration, server), includesNew: this.#included.has(server) }),
      lock,
    );
    for (const server of this.#told.keys()) if (!Object.hasOwn(servers, server)) this.#told.delete(server);
  }

  /** Takes over what another process decided. Throws when it cannot be read. */
  follow(): void {
    this.#isTroubled = false;
    this.pins.forget();
    this.recordDecisions();
  }

  /** Each decision is a record, whichever process made it, and also when no gateway ran then. */
  recordDecisions(): void {
    for (const { server, kind, name, digest, state, decision } of this.#parts.store.takeUnrecorded()) {
      if (state === 'pending' || decision === undefined) continue;
      const { at, by, reason } = decision;
      this.#parts.audit.note({
        kind: `definition-${state}`,
        at,
        server,
        detail: { kind, name, digest, by, ...(reason !== undefined && { reason }) },
      });
    }
  }

  #tell({ server, definition, novelty, findings }: NewDefinition): void {
    const now = Date.now();
    const told = this.#told.get(server) ?? { left: maxTold, at: now, untold: 0 };
    told.left = Math.min(maxTold, told.left + ((now - told.at) / 1_000) * toldInSecond);
    told.at = now;
    this.#told.set(server, told);
    if (told.left < 1) {
      told.untold += 1;
      return;
    }
    told.left -= 1;
    const { kind, name, digest } = definition;
    const command = `sallyport pins diff ${server}/${shownInLine(name)}`;
    const untold = told.untold === 0 ? {} : { untold: told.untold };
    told.untold = 0;
    this.#parts.log.warn(
      { server, kind, name, novelty, ...(findings.length > 0 && { findings }), command, ...untold },
      this.#included.has(server) && novelty === 'new' && findings.length === 0
        ? 'a definition waits for review, and only rules with includeNew show it until then'
        : 'a definition waits for review, and is hidden until then',
    );
    this.#parts.audit.note({
      kind: 'definition-pending',
      at: now,
      server,
      detail: { kind, name, digest, novelty, findings: [...findings], ...untold },
    });
  }
}
