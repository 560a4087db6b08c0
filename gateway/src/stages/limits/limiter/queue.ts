/**
 * Calls that wait for one under way to end. Callers take turns: one that sends many waits behind its own, and has no more
 * than half of the places while others could want them.
 */
import type { Cancellation } from '../../../pipeline/cancellation.ts';
import type { Taken } from '../../../state/contract/meters.ts';

export interface Waiter<Asked> {
  readonly asked: Asked;
  /** Whose turn it is. */
  readonly owner: string;
  readonly cancellation: Cancellation;
}

/** How waiting ended: with what the limits said, too late, or because the client went away. */
export type Waited = Taken | 'late' | 'cancelled';

interface Entry<Asked> extends Waiter<Asked> {
  end(waited: Waited): void;
}

/** Calls that wait, of all limits together. */
const maxWaiting = 100_000;

/** Those that wait for one place, by owner, in the order of their turns. */
type Queue<Asked> = Map<string, Entry<Asked>[]>;

export class Queues<Asked> {
  readonly #take: (asked: Asked) => Taken;
  readonly #mayWaitOn: (asked: Asked, taken: Taken) => boolean;
  readonly #queues = new Map<string, { readonly waiting: Queue<Asked>; size: number }>();
  #size = 0;

  /** `mayWaitOn`: nothing but calls under way keeps it from being made. */
  constructor(take: (asked: Asked) => Taken, mayWaitOn: (asked: Asked, taken: Taken) => boolean) {
    this.#take = take;
    this.#mayWaitOn = mayWaitOn;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether a call waits for this place. */
  has(place: string): boolean {
    return this.#queues.has(place);
  }

  /** `undefined`: there is no place in the queue. */
  wait(
    place: string,
    waiter: Waiter<Asked>,
    { queue, waitMs }: { readonly queue: number; readonly waitMs: number },
  ): Promise<Waited> | undefined {
    const known = this.#queues.get(place) ?? { waiting: new Map<string, Entry<Asked>[]>(), size: 0 };
    const own = known.waiting.get(waiter.owner) ?? [];
    const share = Math.max(1, Math.ceil(queue / 2));
    if (known.size >= queue || own.length >= share || this.#size >= maxWaiting) return undefined;
    this.#queues.set(place, known);
    return new Promise((resolve) => {
      const end = (waited: Waited): void => {
        clearTimeout(timer);
        stop();
        this.#remove(place, entry);
        resolve(waited);
      };
      const entry: Entry<Asked> = { ...waiter, end };
      own.push(entry);
      known.waiting.set(waiter.owner, own);
      known.size++;
      this.#size++;
      const timer = setTimeout(() => end('late'), waitMs);
      // A gateway that stops does not wait for it.
      timer.unref();
      let stop = (): void => {};
      stop = waiter.cancellation.onCancel(() => end('cancelled'));
    });
  }

  /** One was given back: the next in turn is asked again, with everything that it needs. */
  released(place: string): void {
    const known = this.#queues.get(place);
    if (known === undefined) return;
    // Each turn changes the order.
    const turns = [...known.waiting];
    for (const [owner, entries] of turns) {
      const [next] = entries;
      if (next === undefined) continue;
      const taken = this.#take(next.asked);
      // Its turn comes again when the others had theirs.
      known.waiting.delete(owner);
      known.waiting.set(owner, entries);
      if (!taken.ok && this.#mayWaitOn(next.asked, taken)) continue;
      // Refused by a limit that does not end by waiting: it hears so now, and the place is for another one.
      next.end(taken);
      if (taken.ok) return;
    }
  }

  #remove(place: string, entry: Entry<Asked>): void {
    const known = this.#queues.get(place);
    const own = known?.waiting.get(entry.owner);
    const at = own?.indexOf(entry) ?? -1;
    if (known === undefined || own === undefined || at === -1) return;
    own.splice(at, 1);
    if (own.length === 0) known.waiting.delete(entry.owner);
    known.size--;
    this.#size--;
    if (known.size === 0) this.#queues.delete(place);
  }
}
