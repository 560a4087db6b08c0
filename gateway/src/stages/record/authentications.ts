/** Who proved who they are, and who failed to. */

import type { AuditEvent, ExchangeEnd, ExchangeFacts } from '../../pipeline/contracts/audit.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import { SampledEvents } from './sampled-events.ts';

/** A credential in use is recorded once in this time. */
const again = 3_600_000;
const maxCredentials = 4_096;

export class Authentications {
  readonly #note: (event: AuditEvent) => void;
  readonly #seen = new Map<string, number>();
  readonly #lately = new WeakMap<Caller, number>();
  readonly #failures: SampledEvents;

  constructor(note: (event: AuditEvent) => void) {
    this.#note = note;
    this.#failures = new SampledEvents('authentication-failed', note);
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
    if (this.#seen.size > maxCredentials)
      for (const oldest of this.#seen.keys()) {
        this.#seen.delete(oldest);
        break;
      }
    const detail = { credential: caller.credential.kind, transport };
    this.#note({ kind: 'authentication-succeeded', at, caller, ...(address && { address }), detail });
  }

  failed({ at, address, transport }: ExchangeFacts, { reason = 'unknown', cause, detail: problem }: ExchangeEnd): void {
    this.#failures.add({
      at,
      transport,
      reason,
      ...(cause && { cause }),
      ...(address && { address }),
      ...(problem && { problem }),
    });
  }

  close(): void {
    this.#failures.close();
  }
}
