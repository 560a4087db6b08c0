/**
 * One circuit: closed while what it leads to answers, open for a pause when that fails too often, then half-open: one call
 * is let through, and its end closes the circuit or opens it for twice as long.
 */
import type { Caller } from '../../../pipeline/contracts/caller.ts';
import { RollingWindow } from './window.ts';

/** Times in milliseconds, `share` from 0 to 1. */
export interface BreakerSettings {
  readonly failures: number;
  readonly share: number;
  readonly calls: number;
  readonly windowMs: number;
  readonly pauseMs: number;
  readonly longestPauseMs: number;
}

/** What a circuit is of: a server or a part of it, for all callers or for one. */
export interface Scope {
  readonly server: string;
  /** A tool, or a method. */
  readonly part?: string;
  readonly caller?: Caller;
}

export interface Failure {
  readonly caller: string;
  readonly part: string | undefined;
  /** The server as a whole could not be reached, whatever was to be called there. */
  readonly isOfServer: boolean;
  /** It would have been the same for every caller. */
  readonly isOfAll: boolean;
}

/** Failures that count together. */
interface Evidence {
  size: number;
  /** The one caller and the one part that they are of, or `several`. */
  ofCallers: string | undefined;
  ofParts: string | undefined;
}

/** No caller and no part is called so. */
const several = '\n';

function addTo(evidence: Evidence, { caller, part, isOfServer, isOfAll }: Failure): void {
  evidence.size++;
  const known = evidence.ofCallers ?? caller;
  evidence.ofCallers = isOfAll || known !== caller ? several : caller;
  const named = part ?? '';
  evidence.ofParts = isOfServer || (evidence.ofParts ?? named) !== named ? several : named;
}

function empty(evidence: Evidence): void {
  evidence.size = 0;
  evidence.ofCallers = undefined;
  evidence.ofParts = undefined;
}

/** Pauses are this much shorter or longer, so that gateways do not probe all at once. */
const jitter = 0.2;
/** A probe is waited for so long at least, in milliseconds, and as long as the pause before it. */
const leastProbeMs = 1_000;
/** One that could be probed for so long, and was not, is forgotten. */
const longestOpenMs = 3_600_000;

export class Circuit {
  readonly scope: Scope;
  readonly #settings: BreakerSettings;
  readonly #window: RollingWindow;
  readonly #streak: Evidence = { size: 0, ofCallers: undefined, ofParts: undefined };
  readonly #recent: Evidence = { size: 0, ofCallers: undefined, ofParts: undefined };
  /** Monotonic milliseconds until which it is open; `undefined` while it is closed. */
  #until: number | undefined;
  #isProbed = false;
  /** Monotonic milliseconds until which others wait for the end of the probe. */
  #probedUntil = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;
  /** Whose probe it was that did not succeed last, where it is of all callers: what it called may be why. */
  #failedProber: string | undefined;
  #prober: string | undefined;
  #closedAt = Number.NEGATIVE_INFINITY;
  #failedAt: number;
  /** Milliseconds since the epoch. */
  openedAt = 0;
  /** Calls that were refused since it opened. */
  refused = 0;

  constructor(scope: Scope, settings: BreakerSettings, now: number) {
    this.scope = scope;
    this.#settings = settings;
    this.#window = new RollingWindow(settings.windowMs, now);
    this.#failedAt = now;
  }

  get isOpen(): boolean {
    return this.#until !== undefined;
  }

  /** Milliseconds until the next call of a caller may be tried; 0 where one may be now. */
  leftMs(now: number, caller?: string): number {
    if (this.#until === undefined) return 0;
    // Others have their turn first, so that none keeps a server or a tool from all of them with what it calls.
    const until = caller !== undefined && caller === this.#failedProber ? this.#until + this.#pauseMs : this.#until;
    if (!this.#isProbed) return Math.max(0, until - now);
    // Nothing says how long the probe will take: one that takes longer than a pause does not keep others from trying.
    return Math.max(caller === this.#prober ? leastProbeMs : 0, this.#probedUntil - now, until - now);
  }

  /** Nothing of it is of interest any more: it has not failed since, or was not called since it could be. */
  isOver(now: number): boolean {
    if (this.#until !== undefined) return now - Math.max(this.#until, this.#probedUntil) > longestOpenMs;
    return now - Math.max(this.#failedAt, this.#closedAt) > this.#settings.windowMs;
  }

  /** The next call is the probe. */
  probe(caller: string, now: number): void {
    this.#isProbed = true;
    this.#probedUntil = now + Math.max(leastProbeMs, this.#pauseMs);
    this.#prober = caller;
  }

  /** The probe ended, and says nothing, for no reason of its caller. */
  giveBack(): void {
    this.#isProbed = false;
  }

  /** The probe was cancelled, or led nowhere for its caller alone: others have their turn. */
  yields(now: number): void {
    this.#isProbed = false;
    if (this.scope.caller !== undefined || this.#until === undefined) return;
    this.#failedProber = this.#prober;
    this.#until = Math.max(this.#until, now);
  }

  /** The probe failed. Returns the next pause. `isOfAll`: the server would have failed every caller. */
  stillFails(now: number, isOfAll: boolean): number {
    this.#isProbed = false;
    const { part, caller } = this.scope;
    if (caller === undefined && (part !== undefined || !isOfAll)) this.#failedProber = this.#prober;
    return this.#pauseFrom(now);
  }

  close(now: number): void {
    this.#until = undefined;
    this.#isProbed = false;
    this.#failedProber = undefined;
    this.#closedAt = now;
    this.forget();
  }

  /** A call did not fail. */
  answered(now: number): void {
    if (this.#until !== undefined) return;
    empty(this.#streak);
    this.#window.add(true, now);
  }

  /** When it closed last, on the monotonic clock. */
  get closedAt(): number {
    return this.#closedAt;
  }

  /** A call failed. Says why the circuit is to be opened, if it is. */
  failed(failure: Failure, now: number): string | undefined {
    if (this.#until !== undefined) return undefined;
    const { failures, share, calls, windowMs } = this.#settings;
    if (now - this.#failedAt > windowMs) {
      empty(this.#streak);
      empty(this.#recent);
    }
    this.#failedAt = now;
    this.#window.add(false, now);
    addTo(this.#streak, failure);
    addTo(this.#recent, failure);
    if (this.#streak.size >= failures && this.#concerns(this.#streak)) return `${this.#streak.size} failures in a row`;
    const { good, bad } = this.#window.counts(now);
    if (good + bad < calls || bad / (good + bad) < share || !this.#concerns(this.#recent)) return undefined;
    return `${bad} of ${good + bad} calls failed`;
  }

  /** Returns the pause, in milliseconds. */
  open(now: number): number {
    // What opens again soon after it closed goes on with the pause that it had.
    if (now - this.#closedAt > this.#settings.windowMs) this.#pauseMs = 0;
    this.openedAt = Date.now();
    this.refused = 0;
    this.forget();
    return this.#pauseFrom(now);
  }

  /** What failed is put down to something else. */
  forget(): void {
    this.#window.clear();
    empty(this.#streak);
    empty(this.#recent);
  }

  #pauseFrom(now: number): number {
    const { pauseMs, longestPauseMs } = this.#settings;
    this.#pauseMs = this.#pauseMs === 0 ? pauseMs : Math.min(longestPauseMs, this.#pauseMs * 2);
    const pause = Math.min(longestPauseMs, this.#pauseMs * (1 - jitter + 2 * jitter * Math.random()));
    this.#until = now + pause;
    return pause;
  }

  /** What one caller meets alone concerns no other, and what one tool does no other tool. */
  #concerns({ ofCallers, ofParts }: Evidence): boolean {
    const { caller, part } = this.scope;
    return (caller !== undefined || ofCallers === several) && (part !== undefined || ofParts === several);
  }
}
