/**
 * The circuit breaker. Calls that time out, cannot reach their server, break the protocol, answer too much or are withheld
 * count against four circuits: of the server and of the tool, for all callers and for this one. What is not called any more
 * is left to recover, and its callers do not wait in vain. A circuit exists from the first failure on: while nothing fails
 * a call costs one look into a map.
 */
import type { Breaker, BreakerCall, Probe } from '../../../pipeline/contracts/breaker.ts';
import type { Reply } from '../../../pipeline/exchange.ts';
import { type Outcome, pass, type Refusal, refuse } from '../../../pipeline/refusal.ts';
import { type BreakerSettings, Circuit, type Failure, type Scope } from './circuit.ts';

export interface BreakerEvent {
  readonly scope: Scope;
  readonly what: 'opened' | 'closed';
  readonly why: string;
  /** Of one that opened: how long the first pause is. */
  readonly pauseMs?: number;
  /** Of one that closed: since when it was open (milliseconds since the epoch), and how many calls it refused. */
  readonly openedAt?: number;
  readonly refused?: number;
}

export interface BreakerParts {
  readonly onEvent: (event: BreakerEvent) => void;
  /** A call was refused. */
  readonly onRefused: (server: string) => void;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** A circuit that is open, for people. */
export interface OpenCircuit {
  readonly server: string;
  readonly part?: string;
  /** For which caller alone. */
  readonly caller?: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** 0: the next call is the probe. */
  readonly leftMs: number;
}

/** Circuits of all servers, of one of them, and of one caller at one server. */
const maxCircuits = 20_000;
const maxOfServer = 2_000;
const maxOfCaller = 64;

type Circuits = Map<string, Circuit>;
type Settings = Readonly<Record<string, BreakerSettings | undefined>>;

export class CircuitBreaker implements Breaker {
  readonly #parts: BreakerParts;
  readonly #now: () => number;
  /** By server, then by scope. */
  readonly #servers = new Map<string, Circuits>();
  #settings: Settings = {};
  #size = 0;

  constructor(parts: BreakerParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
  }

  get size(): number {
    return this.#size;
  }

  /** `settings`: of the servers that have a breaker. One that changes begins anew. */
  configure(settings: Settings): void {
    const before = this.#settings;
    this.#settings = settings;
    for (const server of this.#servers.keys())
      if (JSON.stringify(before[server]) !== JSON.stringify(settings[server])) this.#forget(server);
  }

  refusal(call: BreakerCall): Refusal | undefined {
    const circuits = this.#servers.get(call.server);
    if (circuits === undefined) return undefined;
    const now = this.#now();
    for (const key of keysOf(call)) {
      const circuit = circuits.get(key);
      const leftMs = circuit?.leftMs(now, call.caller.key) ?? 0;
      if (circuit !== undefined && leftMs > 0) return refusalOf(circuit, leftMs);
    }
    return undefined;
  }

  enter(call: BreakerCall): Outcome<Probe | undefined> {
    const circuits = this.#servers.get(call.server);
    if (circuits === undefined) return pass(undefined);
    const refusal = this.refusal(call);
    if (refusal !== undefined) return refuse(refusal);
    const open = keysOf(call).flatMap((key) => {
      const circuit = circuits.get(key);
      return circuit?.isOpen === true ? [circuit] : [];
    });
    if (open.length === 0) return pass(undefined);
    const now = this.#now();
    for (const circuit of open) circuit.probe(call.caller.key, now);
    return pass({ circuits: open });
  }

  saw(call: BreakerCall, reply: Reply, { probe, forwarded }: Parameters<Breaker['saw']>[2]): void {
    if (reply.kind === 'refused' && reply.refusal.reason === 'breaker-open') return this.#refused(call);
    const verdict = verdictOf(reply, forwarded);
    if (probe !== undefined) this.#probed(probe, verdict);
    if (verdict === 'nothing') return;
    if (verdict === 'answered') {
      const circuits = this.#servers.get(call.server);
      if (circuits === undefined) return;
      const now = this.#now();
      for (const key of keysOf(call)) circuits.get(key)?.answered(now);
    } else if (probe === undefined) this.#failed(call, verdict);
  }

  /** Forgets what is over. */
  sweep(): void {
    const now = this.#now();
    for (const [server, circuits] of this.#servers) {
      for (const [key, circuit] of circuits)
        if (circuit.isOver(now)) {
          if (circuit.isOpen) this.#closed(circuit, 'it was not called any more');
          this.#drop(circuits, key);
        }
      if (circuits.size === 0) this.#servers.delete(server);
    }
  }

  open(): readonly OpenCircuit[] {
    const now = this.#now();
    const all: OpenCircuit[] = [];
    for (const circuits of this.#servers.values())
      for (const circuit of circuits.values())
        if (circuit.isOpen) {
          const { server, part, caller } = circuit.scope;
          const of = { ...(part !== undefined && { part }), ...(caller !== undefined && { caller: caller.key }) };
          all.push({ server, ...of, since: circuit.openedAt, leftMs: circuit.leftMs(now) });
        }
    return all;
  }

  #refused(call: BreakerCall): void {
    this.#parts.onRefused(call.server);
    for (const key of keysOf(call)) {
      const circuit = this.#servers.get(call.server)?.get(key);
      if (circuit?.isOpen === true) circuit.refused++;
    }
  }

  #probed({ circuits }: Probe, verdict: Verdict): void {
    const now = this.#now();
    for (const circuit of circuits as readonly Circuit[]) {
      if (!circuit.isOpen) continue;
      if (verdict === 'nothing') circuit.yields(now);
      else if (verdict === 'answered') {
        this.#closed(circuit, 'a call was answered');
        circuit.close(now);
      }
      // An earlier failure that is told again, or one that never came to the tool, says nothing new of it.
      else if (saysOf(circuit.scope, verdict)) circuit.stillFails(now, verdict.isOfAll);
      else circuit.giveBack();
    }
  }

  #failed(call: BreakerCall, { isOfServer, isOfAll }: FailureVerdict): void {
    const settings = Object.hasOwn(this.#settings, call.server) ? this.#settings[call.server] : undefined;
    if (settings === undefined) return;
    const now = this.#now();
    // What began before a circuit closed says nothing of what has been since.
    const known = this.#servers.get(call.server);
    if (known !== undefined && keysOf(call).some((key) => (known.get(key)?.closedAt ?? 0) > call.started)) return;
    const failure: Failure = { caller: call.caller.key, part: call.part, isOfServer, isOfAll };
    for (const scope of scopesOf(call)) {
      if (isOfServer && scope.part !== undefined) continue;
      const circuit = this.#circuit(scope, settings, now);
      const why = circuit?.failed(failure, now);
      if (circuit === undefined || why === undefined) continue;
      this.#opens(circuit, why, now);
      // The narrower ones are explained by it.
      return;
    }
  }

  #opens(circuit: Circuit, why: string, now: number): void {
    const { scope } = circuit;
    const circuits = this.#servers.get(scope.server);
    for (const [key, other] of circuits ?? [])
      if (other !== circuit && isWithin(other.scope, scope)) {
        if (other.isOpen) this.#closed(other, 'a wider circuit opened');
        if (circuits !== undefined) this.#drop(circuits, key);
      }
    // What one tool did is no reason to open the whole server.
    if (scope.part !== undefined)
      for (const other of circuits?.values() ?? [])
        if (other.scope.part === undefined && isWithin(scope, other.scope)) other.forget();
    const pauseMs = circuit.open(now);
    this.#parts.onEvent({ scope, what: 'opened', why, pauseMs });
  }

  #closed({ scope, openedAt, refused }: Circuit, why: string): void {
    this.#parts.onEvent({ scope, what: 'closed', why, openedAt, refused });
  }

  /** `undefined` where there is no room for one more. */
  #circuit(scope: Scope, settings: BreakerSettings, now: number): Circuit | undefined {
    const { server, caller } = scope;
    const circuits = this.#servers.get(server) ?? new Map<string, Circuit>();
    const key = keyOf(scope.part, caller?.key);
    const known = circuits.get(key);
    if (known !== undefined) return known;
    if (this.#size >= maxCircuits || circuits.size >= maxOfServer) return undefined;
    if (caller !== undefined && countOf(circuits, caller.key) >= maxOfCaller) return undefined;
    const circuit = new Circuit(scope, settings, now);
    circuits.set(key, circuit);
    this.#servers.set(server, circuits);
    this.#size++;
    return circuit;
  }

  #drop(circuits: Circuits, key: string): void {
    if (circuits.delete(key)) this.#size--;
  }

  #forget(server: string): void {
    for (const circuit of this.#servers.get(server)?.values() ?? [])
      if (circuit.isOpen) this.#closed(circuit, 'its configuration changed');
    this.#size -= this.#servers.get(server)?.size ?? 0;
    this.#servers.delete(server);
  }
}

type FailureVerdict = Pick<Failure, 'isOfServer' | 'isOfAll'> & { readonly isKnown?: boolean };
type Verdict = 'answered' | 'nothing' | FailureVerdict;

const ofTool: FailureVerdict = { isOfServer: false, isOfAll: false };

/** What the end of a call says of its server. */
function verdictOf(reply: Reply, forwarded: boolean): Verdict {
  if (reply.kind !== 'refused') return forwarded ? 'answered' : 'nothing';
  const { refusal } = reply;
  const { reason } = refusal;
  if (reason === 'server-unavailable') {
    const { fault } = refusal;
    if (fault === 'none') return 'nothing';
    // A connection that is refused is so for every caller; a status, or the end of a caller's own process, may not be.
    return { isOfServer: true, isOfAll: fault === undefined, isKnown: fault === 'known' };
  }
  if (reason === 'server-timeout' || reason === 'server-misbehaved') return { isOfServer: true, isOfAll: false };
  if (reason === 'call-unfinished') return refusal.fault === 'none' ? 'nothing' : ofTool;
  return reason === 'result-too-large' || reason === 'content-withheld' ? ofTool : 'nothing';
}

function saysOf({ part }: Scope, { isOfServer, isKnown }: FailureVerdict): boolean {
  return isKnown !== true && !(isOfServer && part !== undefined);
}

function refusalOf({ scope, openedAt }: Circuit, leftMs: number): Refusal {
  const { server, part } = scope;
  return {
    reason: 'breaker-open',
    server,
    of: part === undefined ? 'server' : 'tool',
    seconds: Math.max(1, Math.ceil(leftMs / 1_000)),
    detail: `open since ${new Date(openedAt).toISOString()}`,
  };
}

/** The widest first. */
function scopesOf({ server, part, caller }: BreakerCall): readonly Scope[] {
  const whole = [{ server }, { server, caller }];
  return part === undefined ? whole : [...whole, { server, part }, { server, part, caller }];
}

function keysOf({ part, caller }: BreakerCall): readonly string[] {
  const whole = [keyOf(undefined, undefined), keyOf(undefined, caller.key)];
  return part === undefined ? whole : [...whole, keyOf(part, undefined), keyOf(part, caller.key)];
}

function keyOf(part: string | undefined, caller: string | undefined): string {
  return `${caller ?? ''}\n${part ?? ''}`;
}

function countOf(circuits: Circuits, caller: string): number {
  let count = 0;
  for (const { scope } of circuits.values()) if (scope.caller?.key === caller) count++;
  return count;
}

/** Whether everything that the one leads to is led to by the other. */
function isWithin(one: Scope, other: Scope): boolean {
  return (
    (other.part === undefined || other.part === one.part) &&
    (other.caller === undefined || other.caller.key === one.caller?.key)
  );
}
