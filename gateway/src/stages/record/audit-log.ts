/**
 * The audit contract on the data plane. Writes one small message for each record, and hands messages over in batches:
 * while the writer is busy with one, the next one fills. Waits only where the settings say so.
 */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { Worker } from 'node:worker_threads';
import type { AuditEvent, AuditLog, ExchangeEnd, ExchangeFacts, Rejection } from '../../pipeline/contracts/audit.ts';
import { startThread } from '../../process/program.ts';
import { inBackground } from '../../telemetry/background.ts';
import { Authentications } from './authentications.ts';
import { Gathering } from './gathering.ts';
import {
  askedMessage,
  type CaptureRule,
  exchangeMessage,
  intentMessage,
  type Message,
  noteMessage,
  outcomeMessage,
} from './record/message.ts';
import { SampledEvents } from './sampled-events.ts';
import { type AuditSettings, captureOf, type Tier } from './settings.ts';
import { HandingOver, sharedRecords } from './writer/hand-over.ts';
import type { FromWriter, LogPlaces, ToWriter, WriterStart } from './writer/protocol.ts';

export interface GatewayAuditLog extends AuditLog {
  readonly origin: string;
  /** The key that signs checkpoints, as text to hand out. */
  readonly key: string;
  /** When a gateway wrote it last before this one, in milliseconds since the epoch; 0: never. */
  readonly served: number;
  configure(settings: AuditSettings): void;
}

export interface OpenAuditLogOptions extends LogPlaces {
  /** Told when writing begins to fail and when it works again. */
  readonly onHealth: (problem: string | undefined) => void;
  /** Told of an anchor that cannot be reached. */
  readonly onTrouble?: (problem: string) => void;
}

export type OpenAuditLogResult =
  | { readonly ok: true; readonly value: GatewayAuditLog }
  | { readonly ok: false; readonly locked: boolean; readonly problem: string; readonly remedy: string };

/** Of the writer, in megabytes: what records leave behind is swept up in portions too small to be noticed. */
const youngGeneration = 4;
/** Of the machine, or of the share of it that this process may use. */
const fewCores = 2;
/** Longest time that an exchange waits for a place in the queue, or for its record. */
const patience = 10_000;

export async function openAuditLog(options: OpenAuditLogOptions): Promise<OpenAuditLogResult> {
  const { onHealth, onTrouble, ...places } = options;
  const start: WriterStart = { ...places, records: sharedRecords() };
  // What the small heaps of the threads of a log leave to collect is not worth waking others, least of all where these wait
  // for the same core: 3 % of the CPU of a call on one core, in three comparisons.
  if (availableParallelism() <= fewCores) setFlagsFromString('--no-parallel-scavenge');
  const resourceLimits = { maxYoungGenerationSizeMb: youngGeneration };
  const worker = startThread('stages/record/writer/thread', {
    workerData: start,
    name: 'sallyport-audit',
    resourceLimits,
  });
  worker.unref();
  const first = await new Promise<FromWriter>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  }).catch(
    (error: unknown): FromWriter => ({
      type: 'refused',
      locked: false,
      problem: `the writer of the log did not start: ${String(error)}`,
      remedy: 'This is a bug: please report it.',
    }),
  );
  if (first.type === 'opened') {
    const log = new ThreadedLog(worker, start, first, { onHealth, ...(onTrouble && { onTrouble }) });
    return { ok: true, value: log };
  }
  await worker.terminate();
  if (first.type !== 'refused') throw new Error('the writer of the log did not open it');
  return { ok: false, locked: first.locked, problem: first.problem, remedy: first.remedy };
}

interface Waiter {
  /** Number of the record whose durability it waits for. */
  readonly record: number;
  /** Absent where nothing is refused meanwhile: it waits until the disk works again. */
  readonly tier: Tier | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Listeners {
  readonly onHealth: (problem: string | undefined) => void;
  readonly onTrouble?: (problem: string) => void;
}

class ThreadedLog implements GatewayAuditLog {
  readonly origin: string;
  readonly key: string;
  readonly served: number;
  readonly #worker: Worker;
  readonly #listeners: Listeners;
  readonly #authentications: Authentications;
  readonly #rejections: SampledEvents;
  #settings: AuditSettings;
  #rule: CaptureRule;
  readonly #records: HandingOver;
  readonly #gathering: Gathering;
  /** Calls whose intent was recorded and whose outcome was not. */
  #underWay = 0;
  #waiters: Waiter[] = [];
  #lost = 0;
  #problem: string | undefined;
  #closing = false;
  #ended = false;

  constructor(
    worker: Worker,
    { settings, records }: WriterStart,
    opened: Extract<FromWriter, { type: 'opened' }>,
    listeners: Listeners,
  ) {
    this.#worker = worker;
    this.#settings = settings;
    this.#rule = ruleOf(settings);
    this.#records = new HandingOver(records, (record) => worker.postMessage(record, [record]));
    this.#gathering = new Gathering(this.#records);
    this.#listeners = listeners;
    this.origin = opened.origin;
    this.key = opened.key;
    this.served = opened.served;
    this.#authentications = new Authentications((event) => this.note(event));
    this.#rejections = new SampledEvents('request-refused', (event) => this.note(event));
    worker.on('message', (message: FromWriter) => this.#hear(message));
    worker.on('error', (error) => this.#failed(`the writer of the log ended: ${error.message}`));
    worker.on('exit', () => {
      this.#ended = true;
      if (!this.#closing) this.#failed('the writer of the log ended');
    });
    inBackground('hear what is durable', this.#listen());
  }

  intend(facts: ExchangeFacts): Promise<void> | undefined {
    if (facts.caller !== undefined) this.#authentications.succeeded(facts.caller, facts);
    const tier = facts.tier ?? 'read';
    const { durability } = this.#settings;
    const waits = durability === 'before-forward' || (durability === 'before-reply' && tier !== 'read');
    const message = made(() => intentMessage(facts, this.#rule));
    const record = this.#put(message, tier, waits);
    this.#underWay++;
    return record;
  }

  end(facts: ExchangeFacts, end: ExchangeEnd, intended: boolean): Promise<void> | undefined {
    if (facts.caller === undefined) {
      // Causing these takes no credential, so they are counted, not written one by one. No caller waits for them.
      this.#authentications.failed(facts, end);
      return undefined;
    }
    if (intended) this.#underWay--;
    else this.#authentications.succeeded(facts.caller, facts);
    // While the disk fails, a tool that is hidden must be refused like one that does not exist.
    const tier = facts.asked === undefined ? (facts.tier ?? 'read') : 'read';
    const message = made(() => (intended ? outcomeMessage : exchangeMessage)(facts, end, this.#rule));
    return this.#put(message, tier, this.#settings.durability !== 'none');
  }

  asked(facts: ExchangeFacts, end: ExchangeEnd): void {
    this.#pushLater(made(() => askedMessage(facts, end, this.#rule)));
  }

  rejected(rejection: Rejection): void {
    this.#rejections.add(rejection);
  }

  note(event: AuditEvent): void {
    this.#pushLater(made(() => noteMessage(event, this.#rule)));
  }

  record(event: AuditEvent): Promise<void> {
    if (this.#full || this.#closing || this.#ended) return Promise.reject(new Error('the log takes no more'));
    const message = made(() => noteMessage(event, this.#rule));
    return this.#wait(this.#gathering.push(message, 'later'), undefined);
  }

  /** No caller waits for it. */
  #pushLater(message: Message): void {
    if (this.#full) this.#lost++;
    else this.#gathering.push(message, 'later');
  }

  health(): { readonly ok: true } | { readonly ok: false; readonly problem: string } {
    return this.#problem === undefined ? { ok: true } : { ok: false, problem: this.#problem };
  }

  configure(settings: AuditSettings): void {
    this.#settings = settings;
    this.#rule = ruleOf(settings);
    this.#send({ type: 'settings', settings });
  }

  async close(): Promise<void> {
    this.#authentications.close();
    this.#rejections.close();
    this.#closing = true;
    this.#send({ type: 'close', rest: this.#gathering.last() });
    this.#worker.ref();
    // An error of the thread, which `once` would reject for, has been told of where it happened.
    if (this.#worker.threadId !== -1) await new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#refuseWaiters('the log is closed');
  }

  get #full(): boolean {
    const { queue } = this.#settings;
    return this.#gathering.records >= queue.records || this.#gathering.bytes >= queue.bytes;
  }

  #put(message: Message, tier: Tier, waits: boolean): Promise<void> | undefined {
    const allowed = this.#settings.onFailure[tier] === 'allow';
    if (this.#full) {
      if (this.#problem === undefined && !this.#closing) return this.#afterRoom(message, tier, waits);
      this.#lost++;
      return allowed ? undefined : Promise.reject(new Error(this.#problem ?? 'the log is closed'));
    }
    const urgency = !waits ? 'later' : this.#underWay > 0 || message.kind === 'exchange' ? 'soon' : 'now';
    const record = this.#gathering.push(message, urgency);
    // Kept for when the disk works again; what may not go on without it does not go on.
    if (this.#problem !== undefined) return allowed ? undefined : Promise.reject(new Error(this.#problem));
    return waits ? this.#wait(record, tier) : undefined;
  }

  #wait(record: number, tier: Tier | undefined): Promise<void> {
    // For as long as an exchange waits for the thread, it keeps the process alive.
    if (this.#waiters.length === 0) this.#worker.ref();
    return new Promise((resolve, reject) => this.#waiters.push({ record, tier, resolve, reject }));
  }

  /** Back-pressure: the exchange waits until the queue has shrunk. How many wait is bounded by the road. */
  async #afterRoom(message: Message, tier: Tier, waits: boolean): Promise<void> {
    const deadline = performance.now() + patience;
    while (this.#full) {
      if (performance.now() > deadline) throw new Error('the queue of the log stays full');
      await this.#wait(this.#gathering.durable + 1, tier);
    }
    await this.#put(message, tier, waits);
  }

  #send(message: ToWriter): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(message);
  }

  #hear(message: FromWriter): void {
    // What it had made durable before it said so.
    this.#done(this.#records.answered());
    switch (message.type) {
      case 'failing':
        if (message.problem === '') this.#works();
        else this.#failed(`records cannot be written: ${message.problem}`);
        return;
      case 'trouble':
        this.#listeners.onTrouble?.(message.problem);
        return;
      case 'opened':
      case 'refused':
      case 'closed':
        return;
    }
  }

  async #listen(): Promise<void> {
    while (!this.#ended) {
      this.#done(this.#records.answered());
      await this.#records.answer();
    }
  }

  #done(records: number): void {
    if (records === 0) return;
    this.#gathering.done(records);
    const { durable } = this.#gathering;
    let released = 0;
    for (const waiter of this.#waiters) {
      if (waiter.record > durable) break;
      waiter.resolve();
      released++;
    }
    if (released === 0) return;
    this.#waiters.splice(0, released);
    if (this.#waiters.length === 0 && !this.#closing) this.#worker.unref();
  }

  #failed(problem: string): void {
    if (this.#problem === problem) return;
    this.#problem = problem;
    this.#listeners.onHealth(problem);
    this.#refuseWaiters(problem);
  }

  #works(): void {
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#listeners.onHealth(undefined);
    if (this.#lost > 0) {
      const detail = { records: this.#lost };
      this.#gathering.push(noteMessage({ kind: 'lost', at: Date.now(), detail }), 'later');
    }
    this.#lost = 0;
  }

  #refuseWaiters(problem: string): void {
    const isOver = this.#closing || this.#ended;
    const waiters = this.#waiters;
    this.#waiters = isOver ? [] : waiters.filter(({ tier }) => tier === undefined);
    if (!this.#closing && this.#waiters.length === 0) this.#worker.unref();
    for (const { tier, resolve, reject } of waiters) {
      if (tier === undefined) {
        if (isOver) reject(new Error(problem));
      } else if (this.#settings.onFailure[tier] === 'allow') resolve();
      else reject(new Error(problem));
    }
  }
}

function ruleOf({ capture }: AuditSettings): CaptureRule {
  const { connections, limit, tiers } = capture;
  // Mostly no connection says anything of its own.
  if (Object.keys(connections).length === 0) return { limit, of: (tier) => tiers[tier ?? 'read'] };
  return { limit, of: (tier, names) => captureOf(capture, tier, names) };
}

/** What no record can be made of is a bug. It must not end the exchange, nor vanish. */
function made(make: () => Message): Message {
  try {
    return make();
  } catch (error) {
    const detail = { records: 1, problem: error instanceof Error ? error.message : String(error) };
    return noteMessage({ kind: 'lost', at: Date.now(), detail });
  }
}
