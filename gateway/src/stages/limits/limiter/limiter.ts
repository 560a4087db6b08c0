/**
 * The limits of the configuration: every one that a call meets is asked in one step, and what one of them refuses takes
 * nothing from the others.
 */

import type { Cancellation } from '../../../pipeline/cancellation.ts';
import type { Verdict } from '../../../pipeline/contracts/audit.ts';
import type {
  Admission,
  Lease,
  LimitLevel,
  LimitRule,
  LimitRules,
  LimitTarget,
  Use,
} from '../../../pipeline/contracts/limit.ts';
import type { Grants } from '../../../pipeline/contracts/policy.ts';
import { type Outcome, pass, refuse } from '../../../pipeline/refusal.ts';
import type { Local } from '../../../state/contract/later.ts';
import type { Adjustment, Demand, Level, Meters, Short } from '../../../state/contract/meters.ts';
import { Alarms } from './alarms.ts';
import { amountOf, correctionOf, unitOf } from './amounts.ts';
import { type Asked, type HeldUp, heldUp, placeOf, type WaitingAsked, withoutShort } from './asked.ts';
import { isEndless, isFixed, keysOf, type Subject } from './keys.ts';
import { levelOf } from './levels.ts';
import { meterOf, type Now } from './meters.ts';
import { Queues, type Waiter } from './queue.ts';

/** What the operator hears of. */
export interface LimitEvent {
  readonly rule: LimitRule;
  readonly what: 'refused' | 'would-refuse' | 'warned' | 'queued';
  readonly subject: Subject;
  /** Of a warning: what is used, in the unit of the rule. */
  readonly used?: number;
}

export interface LimiterParts {
  readonly meters: Local<Meters>;
  readonly now: () => Now;
  readonly onEvent: (event: LimitEvent) => void;
}

/** One call, as limits see it. */
export interface Call {
  readonly subject: Subject;
  readonly target: LimitTarget & { readonly grants: Grants };
  readonly bytesIn: number;
  readonly cost: number;
  /** It goes on with a call that was counted already. */
  readonly isResumed: boolean;
  readonly cancellation: Cancellation;
}

/** A rule for the calls of one caller to one tool. `keys`: absent where these differ from call to call. */
interface Prepared {
  readonly rule: LimitRule;
  readonly keys?: readonly string[];
  /** Where each call asks the same. */
  readonly demands?: readonly Demand[];
}

/** Tools of one caller at one server whose rules are remembered. */
const maxRemembered = 4_096;
const unlimited: Admission = { lease: { settle: () => {} } };
/** What waits for a rate and for something else is asked again after so long. */
const lookAgainMs = 50;
/** Of a call where the policy has no limits. */
export const unlimitedOutcome = pass(unlimited);

export class Limiter {
  readonly #parts: LimiterParts;
  readonly #queues: Queues<WaitingAsked>;
  readonly #timers: Alarms;
  readonly #prepared = new WeakMap<Grants, Map<string, readonly Prepared[]>>();
  readonly #meters = new WeakMap<LimitRule, ReturnType<typeof meterOf>>();

  constructor(parts: LimiterParts) {
    this.#parts = parts;
    this.#queues = new Queues(
      (asked) => this.#take(asked),
      (asked, { short }) => heldUp(asked, short) !== undefined,
    );
    this.#timers = new Alarms((place) => this.#queues.released(place));
  }

  /** Calls that wait for one under way to end. */
  get waiting(): number {
    return this.#queues.size;
  }

  /** Room for a call that is allowed. */
  admit(call: Call, rules: LimitRules): Outcome<Admission> | Promise<Outcome<Admission>> {
    const prepared = this.#preparedFor(call, rules);
    if (prepared.length === 0) return unlimitedOutcome;
    const now = this.#parts.now();
    const asked = this.#asked(prepared, call, now);
    const result = this.#parts.meters.take(asked.demands, now.steady);
    if (result.ok) return pass(this.#admission(asked, result.short, call));
    const held = heldUp(asked, result.short);
    // What comes after the wait is told at once.
    const isInTime = held !== undefined && (held.retryAt ?? 0) - now.steady <= held.waitMs;
    return !isInTime ? this.#refused(asked, result.short, call) : this.#wait(asked, held, call);
  }

  /** Lists and handshakes: they lead to no capability. What limits said that only observe; `undefined` where that is nothing. */
  admitOther(what: 'lists' | 'handshakes', subject: Subject, rules: LimitRules): Outcome<Admission['verdicts']> {
    const own = rules.of(what);
    if (own.length === 0) return pass(undefined);
    const now = this.#parts.now();
    const asked = this.#demandsOf(
      own.map((rule) => ({ rule })),
      { subject, now, amountOf: () => 1 },
    );
    const { ok, short } = this.#parts.meters.take(asked.demands, now.steady);
    const verdicts = this.#tell(asked, short, subject);
    return ok ? pass(verdicts) : this.#refusal(asked, short);
  }

  /** How much of a rule is used for a key, without taking anything. */
  level(rule: LimitRule, key: string): Level {
    const now = this.#parts.now();
    const meter = this.#meterOf(rule)(now);
    return this.#parts.meters.read({ table: rule.id, key, meter, amount: 0, enforced: true }, now.steady);
  }

  /** What the limits of a call have left. */
  levels(call: Call, rules: LimitRules): readonly LimitLevel[] {
    const { rules: asked, demands } = this.#asked(this.#preparedFor(call, rules), call, this.#parts.now());
    return asked.flatMap((rule, index) => {
      const demand = demands[index];
      if (demand?.enforced !== true) return [];
      const level = this.#parts.meters.read(demand, this.#parts.now().steady);
      return levelOf(rule, level, level.retryAt && this.secondsUntil(rule, level.retryAt)) ?? [];
    });
  }

  /** Keys of a rule that are counted at the moment and that name this. */
  keysWith(rule: LimitRule, text: string, most: number): readonly string[] {
    return this.#parts.meters.keys(rule.id, text, most);
  }

  /** Seconds until a time that a level says. */
  secondsUntil({ kind }: LimitRule, at: number): number {
    const { wall, steady } = this.#parts.now();
    // Calendars go by the clock on the wall.
    const from = kind.is === 'budget' && kind.window.by === 'calendar' ? wall : steady;
    return Math.max(1, Math.ceil((at - from) / 1_000));
  }

  #preparedFor({ target, subject }: Call, rules: LimitRules): readonly Prepared[] {
    const { grants, tool, tier } = target;
    let known = this.#prepared.get(grants);
    if (known === undefined) this.#prepared.set(grants, (known = new Map<string, readonly Prepared[]>()));
    const name = tool === undefined ? tier : `${tier} ${tool}`;
    let prepared = known.get(name);
    if (prepared === undefined) {
      prepared = rules
        .ofCall(target)
        .map((rule) => this.#preparedRule(rule, subject))
        .filter(({ keys }) => keys === undefined || keys.length > 0);
      if (known.size >= maxRemembered) known.clear();
      known.set(name, prepared);
    }
    return prepared;
  }

  #preparedRule(rule: LimitRule, subject: Subject): Prepared {
    if (!isFixed(rule)) return { rule };
    const keys = keysOf(rule, subject);
    if (rule.kind.is === 'budget') return { rule, keys };
    const meter = this.#meterOf(rule)(this.#parts.now());
    const demands = keys.map((key) => ({ table: rule.id, key, meter, amount: 1, enforced: !rule.isObserved }));
    return { rule, keys, demands };
  }

  #asked(prepared: readonly Prepared[], call: Call, now: Now): Asked {
    return this.#demandsOf(prepared, { subject: call.subject, now, amountOf: (rule) => amountOf(rule, call) });
  }

  #demandsOf(
    prepared: readonly Prepared[],
    {
      subject,
      now,
      amountOf: amount,
    }: { subject: Subject; now: Now; amountOf: (rule: LimitRule) => number | undefined },
  ): Asked {
    const rules: LimitRule[] = [];
    const demands: Demand[] = [];
    for (const { rule, keys = keysOf(rule, subject), demands: made } of prepared) {
      const units = amount(rule);
      if (units === undefined) continue;
      if (made !== undefined) {
        for (const demand of made) {
          rules.push(rule);
          demands.push(demand);
        }
        continue;
      }
      const meter = this.#meterOf(rule)(now);
      for (const key of keys) {
        rules.push(rule);
        const demand = { table: rule.id, key, meter, amount: units, enforced: !rule.isObserved };
        demands.push(isEndless(rule) ? { ...demand, owner: subject.caller.key } : demand);
      }
    }
    return { rules, demands };
  }

  #meterOf(rule: LimitRule): ReturnType<typeof meterOf> {
    let meter = this.#meters.get(rule);
    if (meter === undefined) this.#meters.set(rule, (meter = meterOf(rule.kind)));
    return meter;
  }

  #take(asked: WaitingAsked): ReturnType<Local<Meters>['take']> {
    const now = this.#parts.now();
    asked.demands = asked.demands.map((demand, index) => {
      const rule = asked.rules[index];
      return rule === undefined || demand.meter.kind !== 'sum'
        ? demand
        : { ...demand, meter: this.#meterOf(rule)(now) };
    });
    return this.#parts.meters.take(asked.demands, now.steady);
  }

  async #wait(first: Asked, { index, queue, waitMs, retryAt }: HeldUp, call: Call): Promise<Outcome<Admission>> {
    const asked: WaitingAsked = { ...first };
    const { rules, demands } = asked;
    const [rule, demand] = [rules[index], demands[index]];
    if (rule === undefined || demand === undefined) throw new Error('a limit that is asked has a rule');
    const waiter: Waiter<WaitingAsked> = { asked, owner: call.subject.caller.key, cancellation: call.cancellation };
    const place = placeOf(demand);
    const waiting = this.#queues.wait(place, waiter, { queue, waitMs });
    if (waiting === undefined) return this.#refused(asked, [{ index, retryAt }], call);
    if (retryAt !== undefined) this.#wakeAt(place, demand, retryAt);
    this.#parts.onEvent({ rule, what: 'queued', subject: call.subject });
    const result = await waiting;
    if (result === 'cancelled') return refuse({ reason: 'cancelled' });
    if (result === 'late') return this.#refused(asked, [{ index, retryAt: this.#retryAt(demand) }], call);
    return result.ok ? pass(this.#admission(asked, result.short, call)) : this.#refused(asked, result.short, call);
  }

  #retryAt(demand: Demand): number | undefined {
    return demand.meter.kind === 'held' ? undefined : this.#parts.meters.read(demand, this.#parts.now().steady).retryAt;
  }

  /** A rate has room by the clock alone, and then again as long as calls wait for it. */
  #wakeAt(place: string, demand: Demand, retryAt: number): void {
    const now = this.#parts.now().steady;
    this.#timers.set(place, retryAt - now, () => {
      if (!this.#queues.has(place)) return;
      const { steady } = this.#parts.now();
      // The rate has room, and another limit does not.
      const { retryAt: next = steady + lookAgainMs } = this.#parts.meters.read(demand, steady);
      this.#wakeAt(place, demand, next);
    });
  }

  #admission(asked: Asked, short: readonly Short[], call: Call): Admission {
    const verdicts = this.#tell(asked, short, call.subject);
    const took = short.length === 0 ? asked : withoutShort(asked, short);
    this.#warn(took, call, (demand) => demand.amount);
    const lease: Lease = { settle: (use) => this.#settle(took, call, use) };
    return verdicts === undefined ? { lease } : { lease, verdicts };
  }

  #settle({ rules, demands }: Asked, call: Call, use: Use): void {
    let adjustments: Adjustment[] | undefined;
    for (let index = 0; index < demands.length; index++) {
      const [rule, demand] = [rules[index], demands[index]];
      if (rule === undefined || demand === undefined) continue;
      const by = correctionOf(rule, demand, use);
      if (by !== 0) (adjustments ??= []).push({ demand, by });
    }
    if (adjustments === undefined) return;
    this.#parts.meters.adjust(adjustments, this.#parts.now().steady);
    this.#warn({ rules, demands }, call, (demand) => adjustments.find((each) => each.demand === demand)?.by ?? 0);
    for (const { demand } of adjustments) if (demand.meter.kind === 'held') this.#queues.released(placeOf(demand));
  }

  /** Of each budget that these additions took over its mark. */
  #warn({ rules, demands }: Asked, { subject }: Call, added: (demand: Demand) => number): void {
    for (const [index, rule] of rules.entries()) {
      const demand = demands[index];
      if (rule.kind.is !== 'budget' || rule.kind.warnAt === undefined || demand === undefined) continue;
      const { used } = this.#parts.meters.read(demand, this.#parts.now().steady);
      const { warnAt } = rule.kind;
      if (used >= warnAt && used - added(demand) < warnAt)
        this.#parts.onEvent({ rule, what: 'warned', subject, used: used / unitOf(rule) });
    }
  }

  #refused(asked: Asked, short: readonly Short[], { subject }: Call): Outcome<never> {
    this.#tell(asked, short, subject);
    return this.#refusal(asked, short);
  }

  /** Of the one that has room last: trying again before that leads nowhere. */
  #refusal({ rules, demands }: Asked, short: readonly Short[]): Outcome<never> {
    const now = this.#parts.now().steady;
    const enforced = short.filter(({ index }) => demands[index]?.enforced === true);
    const waitOf = ({ index, retryAt }: Short): number =>
      retryAt ?? (demands[index]?.meter.kind === 'held' ? now + 1_000 : Number.POSITIVE_INFINITY);
    const [last] = enforced.toSorted((a, b) => waitOf(b) - waitOf(a));
    const rule = last === undefined ? undefined : rules[last.index];
    if (last === undefined || rule === undefined) throw new Error('a refusal has a limit');
    const until = waitOf(last);
    const seconds = Number.isFinite(until) ? { seconds: this.secondsUntil(rule, until) } : {};
    const names = enforced.map(({ index }) => rules[index]?.name).join(', ');
    const verdicts = enforced.map(({ index }) => ({ name: rules[index]?.name ?? '', verdict: 'refused' }));
    const detail = `${rule.place ?? 'built in'} ${names}: ${rule.text}`;
    const { quotaOf: server } = rule;
    return server !== undefined && seconds.seconds !== undefined
      ? refuse({ reason: 'server-limited', server, seconds: seconds.seconds, detail, verdicts })
      : refuse({ reason: 'limit-reached', limit: rule.name, ...seconds, detail, verdicts });
  }

  #tell({ rules, demands }: Asked, short: readonly Short[], subject: Subject): readonly Verdict[] | undefined {
    if (short.length === 0) return undefined;
    const verdicts: Verdict[] = [];
    for (const { index } of short) {
      const [rule, demand] = [rules[index], demands[index]];
      if (rule === undefined || demand === undefined) continue;
      const what = demand.enforced ? 'refused' : 'would-refuse';
      verdicts.push({ name: rule.name, verdict: demand.enforced ? 'refused' : 'would refuse' });
      this.#parts.onEvent({ rule, what, subject });
    }
    return verdicts;
  }
}
