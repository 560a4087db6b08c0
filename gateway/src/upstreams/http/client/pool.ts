/**
 * Connections to one server and the requests on them: one request at a time on each, the connection that was used last
 * first, so that a burst does not keep more of them open than it needs.
 */
import type { Socket } from 'node:net';
import { TurnEnd } from '../../../pipeline/turn.ts';
import { nextTurn, turnsOf } from '../../../pipeline/turns.ts';
import { inBackground } from '../../../telemetry/background.ts';
import { type Dial, type Dialled, type Dialling, problemOf } from './dial.ts';
import { type Place, Queue } from './queue.ts';
import { type HttpRequest, headText } from './request.ts';
import { type ResponseEvents, type ResponseHeaders, ResponseReader } from './response.ts';

/** Whether the server may have had something of a request that failed. */
export type Left = 'sent' | 'unsent';

/** Told what becomes of a request: `onHead`, `onData` any number of times, then `onEnd`; or `onError` at any time. */
export interface ResponseHandler {
  onHead(status: number, headers: ResponseHeaders): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  onError(problem: string, left: Left): void;
}

export interface Abandon {
  /** Ends the request without another word to its handler. False when nothing of it has left. */
  abort(): boolean;
}

/** Requests that may wait for a connection. */
const maxQueue = 16_384;
/** A connection that rested this long may have been closed at the other end: look before it is used, in milliseconds. */
const idleCheckAfterMs = 1_000;
const sweepIntervalMs = 1_000;
const maxAttempts = 3;
/** Chunks in one piece of an answer after which others may have to have their turn. */
const manyChunks = 512;
/** A connection that was never used rests this long. */
const assumedKeepAliveMs = 30_000;

/** Requests to one server, over as many connections as it may have. */
export interface HttpPool {
  /** Never throws, and never calls back before it returns. */
  send(request: HttpRequest, handler: ResponseHandler): Abandon;
  /** Everything under way fails. */
  destroy(): void;
}

export class Pool implements HttpPool {
  readonly #dial: Dial;
  readonly #host: string;
  readonly #most: number;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  readonly #dialling = new Set<Dialling>();
  readonly #queue = new Queue<Job>();
  /** By the end of the turn whatever the other end had said or closed before is heard. */
  readonly #unsent = new TurnEnd<Connection>((connection) => {
    if (!connection.send()) this.#unsent.add(connection);
  });
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `host`: what the Host field says. `connections`: how many may be open at once. */
  constructor(host: string, dial: Dial, connections: number) {
    this.#host = host;
    this.#dial = dial;
    this.#most = connections;
  }

  send(request: HttpRequest, handler: ResponseHandler): Abandon {
    const job = new Job(request, handler, this.#queue);
    const problem = this.#obstacle(request);
    if (problem !== undefined) {
      queueMicrotask(() => job.fail(problem));
      return job;
    }
    const connection = this.#rested();
    if (connection === undefined) {
      job.place = this.#queue.push(job);
      this.#dialMore();
    } else this.#start(connection, job);
    return job;
  }

  destroy(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const dialling of this.#dialling) dialling.abort();
    for (const connection of this.#all) connection.destroy('closed');
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) job.fail('closed');
  }

  #obstacle(request: HttpRequest): string | undefined {
    if (this.#closed) return 'closed';
    if (request.fields === undefined) return 'a header cannot be sent as it is';
    return this.#queue.length >= maxQueue ? 'too many requests wait for this server' : undefined;
  }

  #rested(): Connection | undefined {
    for (let next = this.#idle.pop(); next !== undefined; next = this.#idle.pop()) if (!next.isOver) return next;
    return undefined;
  }

  #dialMore(): void {
    while (this.#dialling.size < this.#queue.length && this.#all.size + this.#dialling.size < this.#most) {
      const dialling = this.#dial((dialled) => {
        this.#dialling.delete(dialling);
        this.#dialled(dialled);
      });
      this.#dialling.add(dialling);
    }
  }

  #dialled(dialled: Dialled): void {
    if (this.#closed) {
      if (dialled.ok) dialled.socket.destroy();
      return;
    }
    if (!dialled.ok) {
      // One attempt, one failure: those behind it get attempts of their own.
      this.#queue.shift()?.fail(dialled.problem);
      this.#dialMore();
      return;
    }
    const connection = new Connection(dialled.socket, this.#host, {
      onFree: (free) => this.#serve(free),
      onOver: (over, unsent) => {
        this.#all.delete(over);
        if (this.#closed) return unsent?.fail('closed');
        if (unsent !== undefined) this.#again(unsent);
        this.#dialMore();
      },
    });
    this.#all.add(connection);
    this.#timer ??= setInterval(() => this.#sweep(performance.now()), sweepIntervalMs).unref();
    this.#serve(connection);
  }

  #serve(connection: Connection): void {
    const job = this.#queue.shift();
    if (job === undefined) this.#idle.push(connection);
    else this.#start(connection, job);
  }

  #start(connection: Connection, job: Job): void {
    if (connection.take(job)) this.#unsent.add(connection);
  }

  /** Nothing of it has left, so it may be sent again; but not for ever, to a server that closes whatever it accepts. */
  #again(job: Job): void {
    if (job.isOver) return;
    if (++job.attempts < maxAttempts) job.place = this.#queue.unshift(job);
    else job.fail('the server closes connections before anything is sent');
  }

  #sweep(now: number): void {
    for (const connection of this.#idle) if (connection.restsUntil <= now) connection.destroy('rested too long');
    const live = this.#idle.filter((connection) => !connection.isOver);
    this.#idle.splice(0, this.#idle.length, ...live);
  }
}

/** One request, waiting or under way. */
class Job implements Abandon {
  readonly request: HttpRequest;
  readonly handler: ResponseHandler;
  isOver = false;
  attempts = 0;
  connection: Connection | undefined;
  /** In the queue, if it stood there last. */
  place: Place<Job> | undefined;
  readonly #queue: Queue<Job>;

  constructor(request: HttpRequest, handler: ResponseHandler, queue: Queue<Job>) {
    this.request = request;
    this.handler = handler;
    this.#queue = queue;
  }

  abort(): boolean {
    if (this.isOver) return true;
    this.isOver = true;
    if (this.place !== undefined) this.#queue.remove(this.place);
    return this.connection?.abandon() ?? false;
  }

  fail(problem: string, left: Left = 'unsent'): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler.onError(problem, left);
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler.onEnd();
  }
}

interface ConnectionEvents {
  onFree(connection: Connection): void;
  /** `unsent`: a request of which nothing has left. */
  onOver(connection: Connection, unsent: Job | undefined): void;
}

class Connection implements ResponseEvents {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #events: ConnectionEvents;
  #doubted = false;
  /** A request of it is to be written by the end of the turn, or the one that was given up before that. */
  #isToSend = false;
  #job: Job | undefined;
  #reader: ResponseReader | undefined;
  #problem = 'the connection was closed before the answer was whole';
  #usedAt = performance.now();
  restsUntil = performance.now() + assumedKeepAliveMs;
  isOver = false;

  constructor(socket: Socket, host: string, events: ConnectionEvents) {
    this.#socket = socket;
    this.#host = host;
    this.#events = events;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('end', () => this.#ended());
    socket.on('error', (error: Error) => {
      this.#problem = problemOf(error);
    });
    socket.on('close', () => this.#over());
  }

  /** The request leaves with `send`. True when that is still to be arranged for the end of this turn. */
  take(job: Job): boolean {
    this.#job = job;
    this.#doubted ||= performance.now() - this.#usedAt > idleCheckAfterMs;
    job.connection = this;
    const wasToSend = this.#isToSend;
    this.#isToSend = true;
    return !wasToSend;
  }

  /** Its request is given up. False where nothing of that has left: then the connection is as good as before. */
  abandon(): boolean {
    const hasLeft = this.#reader !== undefined;
    if (hasLeft || this.isOver || this.#socket.destroyed) this.destroy('abandoned');
    else {
      if (this.#job !== undefined) this.#job.connection = undefined;
      this.#job = undefined;
      this.#events.onFree(this);
    }
    return hasLeft;
  }

  /** False for a connection that has rested for long: it is given one more turn of the loop to say that it is over. */
  send(): boolean {
    const job = this.#job;
    if (job !== undefined && this.#doubted && !this.isOver && !this.#socket.destroyed) {
      this.#doubted = false;
      return false;
    }
    this.#isToSend = false;
    if (job !== undefined && !this.isOver && !this.#socket.destroyed) this.#write(job);
    return true;
  }

  destroy(problem: string): void {
    this.#problem = problem;
    this.isOver = true;
    this.#socket.destroy();
  }

  #write(job: Job): void {
    this.#reader = new ResponseReader(this);
    const { body = '', fields = '' } = job.request;
    const length = Buffer.byteLength(body);
    const head = headText(job.request, fields, { host: this.#host, length });
    const socket = this.#socket;
    // As many bytes as characters: nothing but ASCII, so head and body go out in one piece.
    if (length === body.length) socket.write(head + body, 'latin1');
    else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body, 'utf8');
      socket.uncork();
    }
  }

  onHead(status: number, headers: ResponseHeaders): void {
    if (this.#job?.isOver === false) this.#job.handler.onHead(status, headers);
  }

  onData(chunk: Buffer): void {
    if (this.#job?.isOver === false) this.#job.handler.onData(chunk);
  }

  #received(chunk: Buffer): void {
    const reader = this.#reader;
    // No request is open: these bytes could be taken for the answer to the next one.
    if (reader === undefined) return this.destroy('the server spoke unasked');
    const problem = reader.feed(chunk);
    if (reader.isDone) this.#finish(problem === undefined && this.#socket.writableLength === 0 ? reader.keep : 0);
    else if (problem !== undefined) this.destroy(`not acceptable HTTP: ${problem}`);
    else if (reader.chunks > manyChunks && turnsOf().isOver()) this.#rest();
  }

  /** A server may send much in very small chunks, and all that has come is read at once: others have their turn in between. */
  #rest(): void {
    this.#socket.pause();
    inBackground(
      'a long answer',
      nextTurn().then(() => void this.#socket.resume()),
    );
  }

  #ended(): void {
    if (this.#reader?.end() === true) this.#finish(0);
  }

  /** The response is whole. `keep`: milliseconds for which the connection may rest; 0 when it must not. */
  #finish(keep: number): void {
    const job = this.#job;
    this.#job = undefined;
    this.#reader = undefined;
    const now = performance.now();
    this.#usedAt = now;
    this.restsUntil = now + keep;
    const reusable = keep > 0 && !this.isOver && !this.#socket.destroyed;
    if (!reusable) this.destroy('not to be kept');
    if (job !== undefined) job.connection = undefined;
    if (reusable) this.#events.onFree(this);
    job?.end();
  }

  #over(): void {
    this.isOver = true;
    const [job, reader] = [this.#job, this.#reader];
    this.#job = undefined;
    this.#reader = undefined;
    if (job !== undefined) job.connection = undefined;
    this.#events.onOver(this, reader === undefined ? job : undefined);
    if (reader !== undefined) job?.fail(this.#problem, 'sent');
  }
}
