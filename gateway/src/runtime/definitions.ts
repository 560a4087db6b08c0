/** What the process does about definitions: the pins, what waits for review, and the records of decisions about it. */
import type { Revision } from '../config/revision.ts';
import { changedFacts, identityDigest, type KnownIdentity } from '../pins/identities.ts';
import { DefinitionPins, type NewDefinition } from '../pins/pins.ts';
import { pinsOf, serversWithNew } from '../pins/settings.ts';
import { type Decided, type PinStore, unrecordedAtOnce } from '../pins/store.ts';
import type { AuditEvent, AuditLog } from '../pipeline/contracts/audit.ts';
import type { ServerIdentity } from '../pipeline/contracts/identity.ts';
import { shownInLine } from '../protocol/shown.ts';
import { suspicions, suspicionsInTurns } from '../stages/inspect/suspicions.ts';
import { Recording } from '../stores/recording.ts';
import type { Log } from '../telemetry/log.ts';

export interface DefinitionsParts {
  readonly store: PinStore;
  readonly audit: AuditLog;
  readonly log: Log;
}

function eventOf({ server, kind, name, digest, state, decision }: Decided): AuditEvent | undefined {
  if (state === 'pending' || decision === undefined) return undefined;
  const { at, by, reason } = decision;
  const detail = { kind, name, digest, by, ...(reason !== undefined && { reason }) };
  return { kind: `definition-${state}`, at, server, detail };
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
  /** By server: digest of who answered last. */
  readonly #identities = new Map<string, string>();
  readonly #decisions: Recording<Decided, AuditEvent>;
  /** Servers whose identity took the place of another one. */
  readonly #replacements: Recording<KnownIdentity, AuditEvent>;
  #isTroubled = false;

  constructor(parts: DefinitionsParts) {
    this.#parts = parts;
    this.#decisions = new Recording(parts.store.unrecorded, parts.audit);
    this.#replacements = new Recording(parts.store.unrecordedIdentities, parts.audit);
    this.pins = new DefinitionPins({
      store: parts.store,
      suspect: suspicionsInTurns,
      onNew: (found) => this.#tell(found),
      onTrouble: (error) => this.#trouble(error),
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
    // What it compiles at its first use would hold up calls then.
    if (Object.keys(servers).some((server) => pinsOf(configuration, server).mode !== 'off')) suspicions({});
    for (const known of [this.#told, this.#identities])
      for (const server of known.keys()) if (!Object.hasOwn(servers, server)) known.delete(server);
  }

  /** Takes over what another process decided. Throws when it cannot be read. */
  follow(): void {
    this.#isTroubled = false;
    this.pins.forget();
    this.recordDecisions();
  }

  /** Each decision is a record, whichever process made it, and also when no gateway ran then. */
  recordDecisions(): void {
    this.#recordIdentities();
    const decided = this.#decisions.take(Date.now());
    if (decided.length >= unrecordedAtOnce) this.#recordMore();
    this.#decisions.record(decided, eventOf);
  }

  /** Answers when what was decided until now has a durable record, or that takes too long. */
  async settled(): Promise<void> {
    await Promise.all([this.#decisions.settled(), this.#replacements.settled()]);
  }

  /** Thousands may have been decided about at once: others have their turn between them. */
  #recordMore(): void {
    setImmediate(() => {
      try {
        this.recordDecisions();
      } catch {
        // The next look says why: the store may be closed by now.
      }
    }).unref();
  }

  /** A server answered. Where it is another one than before, that is a record, and its definitions are read again. */
  sawIdentity(server: string, identity: ServerIdentity): void {
    const digest = identityDigest(identity);
    const before = this.#identities.get(server);
    if (before === digest) return;
    try {
      const seen = this.#parts.store.sawIdentity(server, identity, Date.now());
      this.#identities.set(server, digest);
      // Another gateway of the folder was first to see it, and has recorded it.
      if (seen.is === 'same' && before !== undefined) this.pins.renew(server);
      this.#recordIdentities();
    } catch (error) {
      this.#trouble(error);
    }
  }

  #recordIdentities(): void {
    this.#replacements.record(this.#replacements.take(Date.now()), ({ server, identity, before = {}, lastAt }) => {
      const budget = this.#mayTell(server, Date.now());
      if (budget === undefined) return undefined;
      this.pins.renew(server);
      const changed = changedFacts(before, identity);
      const pick = (from: ServerIdentity): Record<string, string> =>
        Object.fromEntries(changed.map((name) => [name, from[name] ?? '']));
      const detail = { changed: [...changed], before: pick(before), now: pick(identity), ...budget };
      this.#parts.log.warn(
        { server, ...detail, command: `sallyport pins list ${server}` },
        'another server answers: its definitions are read again',
      );
      return { kind: 'server-identity', at: lastAt, server, detail };
    });
  }

  /** What could not be told before is counted; `undefined` where there is no room for more now. */
  #mayTell(server: string, now: number): { readonly untold?: number } | undefined {
    const told = this.#told.get(server) ?? { left: maxTold, at: now, untold: 0 };
    told.left = Math.min(maxTold, told.left + ((now - told.at) / 1_000) * toldInSecond);
    told.at = now;
    this.#told.set(server, told);
    if (told.left < 1) {
      told.untold += 1;
      return undefined;
    }
    told.left -= 1;
    const untold = told.untold === 0 ? {} : { untold: told.untold };
    told.untold = 0;
    return untold;
  }

  #trouble(error: unknown): void {
    if (!this.#isTroubled)
      this.#parts.log.error({ err: error }, 'pins cannot be read or written: what is not known is hidden');
    this.#isTroubled = true;
  }

  #tell({ server, definition, novelty, findings }: NewDefinition): void {
    const now = Date.now();
    const untold = this.#mayTell(server, now);
    if (untold === undefined) return;
    const { kind, name, digest } = definition;
    const shown = `${server}/${shownInLine(name)}`;
    // The digest: another definition may have come by the time that the line is read.
    const look = `sallyport pins diff ${shown}`;
    const approve = `sallyport pins approve ${shown} --digest ${digest.slice(0, 12)}`;
    this.#parts.log.warn(
      { server, kind, name, novelty, ...(findings.length > 0 && { findings }), look, approve, ...untold },
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
