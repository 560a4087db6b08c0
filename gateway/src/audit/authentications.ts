/**
 * Who proved who they are, and who failed to. Anybody can fail as often as they like, so failures are written one by one
 * only up to a number a minute, and counted beyond it.
 */
import type { Caller } from '../pipeline/caller.ts';
import type { AuditEvent, ExchangeEnd, ExchangeFacts } from '../pipeline/record.ts';

/** Failures of one minute that get a record of their own. */
const single = 10;
const window = 60_000;
/** Addresses that the record of a minute names. */
const mostAddresses = 16;
/** A credential in use is recorded once in this time. */
const again = 3_600_000;
const mostCredentials = 4_096;

interface Minute {
  readonly begin: number;
  failures: number;
  counted: number;
  readonly reasons: Map<string, number>;
  readonly addresses: Map<string, number>;
}

export class Authentications {
  readonly #note: (event: AuditEvent) => void;
  readonly #seen = new Map<string, number>();
  readonly #lately = new WeakMap<Caller, number>();
  #minute: Minute | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(note: (event: AuditEvent) => void) {
    this.#note = note;
  }

  succeeded(caller: Caller, { at, address, transport }: ExchangeFacts): void {
    // One credential gives the same object again and again, and most calls end here.
    if (at - (this.#lately.get(caller) ?? Number.NEGATIVE_INFINITY) < again) return;
    this.#lately.set(caller, at);
    const key = `${caller.credential.kind} ${caller.credential.id} ${caller.key}`;
    const last = this.#seen.get(key);
    if (last !== undefined && at - last < again) return;
    this.#seen.delete(key);
    this.#seen.set(key, at);
    if (this.#seen.size > mostCredentials)
      for (const oldest of this.#seen.keys()) {
        this.#seen.delete(oldest);
        break;
      }
    const detail = { credential: caller.credential.kind, transport };
    this.#note({ kind: 'authentication-succeeded', at, caller, ...(address && { address }), detail });
  }

  failed({ at, address, transport }: ExchangeFacts, { reason = 'unknown', detail: problem }: ExchangeEnd): void {
    const minute = this.#current(at);
    if (++minute.failures <= single) {
      const detail = { reason, transport };
      this.#note({
        kind: 'authentication-failed',
        at,
        ...(address && { address }),
        detail,
        ...(problem && { problem }),
      });
      return;
    }
    minute.counted++;
    minute.reasons.set(reason, (minute.reasons.get(reason) ?? 0) + 1);
    const from = address ?? transport;
    if (minute.addresses.has(from) || minute.addresses.size < mostAddresses)
      minute.addresses.set(from, (minute.addresses.get(from) ?? 0) + 1);
  }

  close(): void {
    this.#finish();
  }

  #current(at: number): Minute {
    if (this.#minute !== undefined && at - this.#minute.begin >= window) this.#finish();
    if (this.#minute === undefined) {
      this.#minute = { begin: at, failures: 0, counted: 0, reasons: new Map(), addresses: new Map() };
      this.#timer = setTimeout(() => this.#finish(), window).unref();
    }
    return this.#minute;
  }

  #finish(): void {
    clearTimeout(this.#timer);
    const minute = this.#minute;
    this.#minute = undefined;
    if (minute === undefined || minute.counted === 0) return;
    this.#note({
      kind: 'authentication-failed',
      at: Date.now(),
      // Private, like every address.
      address: [...minute.addresses].map(([address, count]) => `${address} ×${count}`).join(', '),
      detail: { count: minute.counted, since: minute.begin, reasons: Object.fromEntries(minute.reasons) },
    });
  }
}
