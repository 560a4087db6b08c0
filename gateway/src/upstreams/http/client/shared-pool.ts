/**
 * The connections to one server, divided between those whose requests they carry: each may use a part of what the others
 * leave, so that one that waits for answers on all of its connections leaves some to others. Further requests wait, and
 * those that wait take turns.
 */
import type { Abandon, HttpPool, Left, ResponseHandler } from './pool.ts';
import { type Place, Queue } from './queue.ts';
import type { HttpRequest } from './request.ts';
import type { ResponseHeaders } from './response.ts';

/** Of what the others leave, the part that one may use. */
const part = 2 / 3;
/** Requests that may wait, and those of one sharer. */
const maxWaiting = 16_384;
const maxWaitingOfOne = 4_096;
/** Sharers without a request that are remembered: forgetting each at once would cost more than it saves. */
const maxIdle = 1_000;

interface Sharer {
  running: number;
  readonly waiting: Queue<Turn>;
}

export class SharedPool implements HttpPool {
  readonly #pool: HttpPool;
  readonly #max: number;
  readonly #least: number;
  readonly #sharers = new Map<string, Sharer>();
  /** Those with waiting requests; the one that had its turn last is the last. */
  readonly #waiting = new Set<Sharer>();
  #waits = 0;
  #running = 0;
  /** Sharers at which those without a request are forgotten. */
  #forgetAt = maxIdle;
  #closed = false;
  readonly #events: TurnEvents = { onOver: (turn) => this.#over(turn) };

  /** `connections`: how many `pool` has. `least`: what one may use even where that is more than its part. */
  constructor(pool: HttpPool, connections: number, least = 1) {
    this.#pool = pool;
    this.#max = connections;
    this.#least = least;
  }

  send(request: HttpRequest, handler: ResponseHandler): Abandon {
    if (request.sharer === undefined) return this.#pool.send(request, handler);
    const sharer = this.#sharerOf(request.sharer);
    const turn = new Turn(sharer, { request, handler }, this.#events);
    const problem = this.#obstacle(sharer);
    if (problem !== undefined) queueMicrotask(() => turn.onError(problem, 'unsent'));
    else if (sharer.waiting.length === 0 && this.#hasRoom(sharer)) this.#start(turn);
    else {
      this.#waits++;
      turn.place = sharer.waiting.push(turn);
      this.#waiting.add(sharer);
    }
    return turn;
  }

  destroy(): void {
    this.#closed = true;
    for (const { waiting } of this.#waiting)
      for (let turn = waiting.first; turn !== undefined; turn = waiting.first) turn.onError('closed', 'unsent');
    this.#pool.destroy();
  }

  #obstacle({ waiting }: Sharer): string | undefined {
    if (this.#closed) return 'closed';
    const isFull = this.#waits >= maxWaiting || waiting.length >= maxWaitingOfOne;
    return isFull ? 'too many requests wait for this server' : undefined;
  }

  #sharerOf(name: string): Sharer {
    const known = this.#sharers.get(name);
    if (known !== undefined) return known;
    if (this.#sharers.size >= this.#forgetAt) this.#forget();
    const sharer = { running: 0, waiting: new Queue<Turn>() };
    this.#sharers.set(name, sharer);
    return sharer;
  }

  #forget(): void {
    for (const [name, { running, waiting }] of this.#sharers)
      if (running === 0 && waiting.length === 0) this.#sharers.delete(name);
    this.#forgetAt = Math.max(maxIdle, 2 * this.#sharers.size);
  }

  #hasRoom({ running }: Sharer): boolean {
    const left = this.#max - (this.#running - running);
    return left > running && running < Math.max(this.#least, Math.floor(left * part));
  }

  #start(turn: Turn): void {
    turn.sharer.running++;
    this.#running++;
    turn.start(this.#pool);
  }

  #over(turn: Turn): void {
    const { sharer, place } = turn;
    if (turn.isRunning) {
      sharer.running--;
      this.#running--;
    } else if (place !== undefined) {
      sharer.waiting.remove(place);
      this.#leave(sharer);
    }
    if (this.#waits > 0 && !this.#closed) this.#serve();
  }

  /** One of its requests waits no more. */
  #leave(sharer: Sharer): void {
    this.#waits--;
    this.#waiting.delete(sharer);
    if (sharer.waiting.length > 0) this.#waiting.add(sharer);
  }

  /** Of those without room each has a connection, so that no more of them are passed over than there are connections. */
  #serve(): void {
    for (const sharer of this.#waiting) {
      if (this.#running >= this.#max) return;
      if (!this.#hasRoom(sharer)) continue;
      const turn = sharer.waiting.shift();
      this.#leave(sharer);
      if (turn !== undefined) this.#start(turn);
    }
  }
}

interface TurnEvents {
  /** Called once, before the handler hears of it. */
  onOver(turn: Turn): void;
}

/** One request, waiting or under way. */
class Turn implements ResponseHandler, Abandon {
  readonly sharer: Sharer;
  readonly #request: HttpRequest;
  readonly #handler: ResponseHandler;
  readonly #events: TurnEvents;
  #sent: Abandon | undefined;
  #isOver = false;
  /** Among those of its sharer that wait, if it had to. */
  place: Place<Turn> | undefined;

  constructor(
    sharer: Sharer,
    { request, handler }: { readonly request: HttpRequest; readonly handler: ResponseHandler },
    events: TurnEvents,
  ) {
    this.sharer = sharer;
    this.#request = request;
    this.#handler = handler;
    this.#events = events;
  }

  get isRunning(): boolean {
    return this.#sent !== undefined;
  }

  start(pool: HttpPool): void {
    this.#sent = pool.send(this.#request, this);
  }

  abort(): boolean {
    if (this.#isOver) return true;
    this.#isOver = true;
    const hasLeft = this.#sent?.abort() ?? false;
    this.#events.onOver(this);
    return hasLeft;
  }

  onHead(status: number, headers: ResponseHeaders): void {
    if (!this.#isOver) this.#handler.onHead(status, headers);
  }

  onData(chunk: Buffer): void {
    if (!this.#isOver) this.#handler.onData(chunk);
  }

  onEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onOver(this);
    this.#handler.onEnd();
  }

  onError(problem: string, left: Left): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onOver(this);
    this.#handler.onError(problem, left);
  }
}
