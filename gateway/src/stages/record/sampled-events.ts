/**
 * Events that clients can cause without a credential: written one by one up to a number a minute, counted beyond it.
 */
import type { AuditEvent, Rejection } from '../../pipeline/contracts/audit.ts';

/** Of one minute, those that get a record of their own. */
const single = 10;
const window = 60_000;
/** Addresses that the record of a minute names. */
const maxAddresses = 16;

interface Minute {
  readonly begin: number;
  seen: number;
  counted: number;
  /** Reasons are the gateway's own words, so there are not many. */
  readonly reasons: Map<string, number>;
  readonly addresses: Map<string, number>;
}

export class SampledEvents {
  readonly #kind: AuditEvent['kind'];
  readonly #note: (event: AuditEvent) => void;
  #minute: Minute | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(kind: AuditEvent['kind'], note: (event: AuditEvent) => void) {
    this.#kind = kind;
    this.#note = note;
  }

  add({ at, transport, reason, cause, address, problem }: Rejection): void {
    const minute = this.#current(at);
    if (++minute.seen <= single) {
      const detail = { reason, transport, ...(cause && { cause }) };
      this.#note({ kind: this.#kind, at, ...(address && { address }), detail, ...(problem && { problem }) });
      return;
    }
    minute.counted++;
    minute.reasons.set(reason, (minute.reasons.get(reason) ?? 0) + 1);
    const from = address ?? transport;
    if (minute.addresses.has(from) || minute.addresses.size < maxAddresses)
      minute.addresses.set(from, (minute.addresses.get(from) ?? 0) + 1);
  }

  close(): void {
    this.#finish();
  }

  #current(at: number): Minute {
    if (this.#minute !== undefined && at - this.#minute.begin >= window) this.#finish();
    if (this.#minute === undefined) {
      this.#minute = { begin: at, seen: 0, counted: 0, reasons: new Map(), addresses: new Map() };
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
      kind: this.#kind,
      at: Date.now(),
      // Private, like every address.
      address: [...minute.addresses].map(([address, count]) => `${address} ×${count}`).join(', '),
      detail: { count: minute.counted, since: minute.begin, reasons: Object.fromEntries(minute.reasons) },
    });
  }
}
