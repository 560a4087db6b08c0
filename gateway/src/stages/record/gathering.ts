/**
 * Gathers records of the data plane into groups and hands these over: while the writer is busy with one, the next one
 * fills.
 */
import { TurnEnd } from '../../pipeline/turn.ts';
import type { Message } from './record/message.ts';
import type { HandingOver, Posted } from './writer/hand-over.ts';

/** Milliseconds. A record that no caller waits for goes with the next awaited one, or after this time. */
const linger = 5;
/** Records that are not kept back for that. */
const maxLingering = 1_024;
/**
 * A group waits until so many turns of the event loop in a row have brought no more records, for `maxTurns` at most, and
 * not when it has `enough`: of larger groups the machine has fewer changes from one thread to the other
 * (docs/decisions/0010).
 */
const quietTurns = 2;
const maxTurns = 16;
const enough = 64;

/**
 * `later`: no caller waits for it. `soon`: one does, and others may. `now`: one does, and no other call is under way, so
 * that there is nothing to wait for.
 */
export type Urgency = 'later' | 'soon' | 'now';

export class Gathering {
  readonly #records: HandingOver;
  /** A caller waits for one of these records: they go as soon as the writer can take them. */
  #urgent = false;
  #lingering = false;
  /** When the oldest record came that was not handed over, in milliseconds. */
  #since = 0;
  /** How often the group that fills was looked at, how often in vain since it grew, and what it held then. */
  #turns = 0;
  #quiet = 0;
  #gathered = 0;
  readonly #turn = new TurnEnd<void>(() => this.#flush());
  /** Records that the writer has and has not answered for, and their bytes. */
  #ahead = 0;
  #bytesAhead = 0;
  /** Records given numbers, records durable, and bytes of those in between. */
  #accepted = 0;
  #durable = 0;
  #bytes = 0;
  #closed = false;

  constructor(records: HandingOver) {
    this.#records = records;
  }

  /** The number of the last record that is durable. */
  get durable(): number {
    return this.#durable;
  }

  /** Records that are not durable, and their bytes. */
  get records(): number {
    return this.#accepted - this.#durable;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the number of the record, which counts from one. */
  push(message: Message, urgency: Urgency): number {
    if (this.#records.waiting === 0) this.#since = performance.now();
    this.#bytes += this.#records.put(message);
    if (urgency === 'now' && this.#ahead === 0) this.#hand();
    else if (urgency !== 'later' || this.#records.waiting >= maxLingering) {
      if (!this.#urgent) this.#turn.add();
      this.#urgent = true;
    } else if (!this.#lingering) this.#linger(linger);
    return ++this.#accepted;
  }

  #linger(timeMs: number): void {
    this.#lingering = true;
    setTimeout(() => this.#lingered(), timeMs);
  }

  #lingered(): void {
    this.#lingering = false;
    if (this.#records.waiting === 0) return;
    const left = this.#since + linger - performance.now();
    // The oldest has come after others had gone: it may still find company.
    if (left >= 1 && !this.#urgent) return this.#linger(left);
    this.#urgent = true;
    this.#flush();
  }

  /** So many more are durable. */
  done(records: number): void {
    this.#durable += records;
    this.#ahead = Math.max(0, this.#ahead - records);
    if (this.#ahead === 0) {
      this.#bytes -= this.#bytesAhead;
      this.#bytesAhead = 0;
    }
    this.#flush();
  }

  /** Hands over what there is. Returns what did not fit. What comes after that is not written. */
  last(): readonly Posted[] {
    this.#closed = true;
    return this.#records.handLast();
  }

  #flush(): void {
    if (!this.#urgent || this.#ahead !== 0) return;
    if (this.#grows()) this.#turn.add();
    else this.#hand();
  }

  #grows(): boolean {
    const before = this.#gathered;
    this.#gathered = this.#records.waiting;
    this.#quiet = this.#gathered > before ? 0 : this.#quiet + 1;
    return this.#quiet < quietTurns && this.#gathered < enough && ++this.#turns < maxTurns;
  }

  #hand(): void {
    if (this.#closed) return;
    const { records, bytes } = this.#records.hand();
    this.#ahead += records;
    this.#bytesAhead += bytes;
    this.#turns = 0;
    this.#quiet = 0;
    this.#gathered = 0;
    // What did not fit has been waited for as well.
    this.#urgent = this.#records.waiting > 0;
  }
}
