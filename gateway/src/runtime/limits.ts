/** What the process does for limits: it keeps budgets, and tells the operator what limits did. */
import type { AuditLog } from '../pipeline/contracts/audit.ts';
import type { LimitRules } from '../pipeline/contracts/limit.ts';
import type { LimitEvent } from '../stages/limits/limiter/limiter.ts';
import type { Now } from '../stages/limits/limiter/meters.ts';
import type { MemoryMeters } from '../state/memory/meters.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Budgets over hours and days outlive the process; rates, sessions and what is under way end with it. */
export function keptLimits({ all }: LimitRules): ReadonlySet<string> {
  return new Set(all.flatMap(({ id, kind }) => (kind.is === 'budget' && kind.window.by !== 'session' ? [id] : [])));
}

interface Told {
  readonly audit: AuditLog;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A refusal is a record of its own exchange; a warning has no exchange that would show it. */
export function limitReporter({ audit, log, metrics }: Told): (event: LimitEvent) => void {
  return ({ rule, what, subject, used }) => {
    metrics.limit(rule.name, what);
    if (what !== 'warned') return;
    const { caller, server, tool } = subject;
    const detail = { limit: rule.name, is: rule.text, used: String(used), ...(tool !== undefined && { tool }) };
    audit.note({ kind: 'limit-warning', at: Date.now(), caller, ...(server !== undefined && { server }), detail });
    log.warn({ limit: rule.name, is: rule.text, used, caller: caller.key, server, tool }, 'a limit is nearly reached');
  };
}

const troubleEveryMs = 60_000;

/** Said once a minute: a disk that fails does so at each call. */
export function budgetTrouble(log: Log): (error: unknown) => void {
  let quietUntil = 0;
  return (error) => {
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + troubleEveryMs;
    log.warn({ err: error }, 'budgets cannot be read: what was used before counts again when they can be kept');
  };
}

/** What is over by both clocks is over: sliding budgets go by the steady one, days and months by the one on the wall. */
export function earlier({ steady, wall }: Now): number {
  return Math.min(steady, wall);
}

/** Keys that are kept at once: the event loop stands still for a few milliseconds at most. */
const atOnce = 1_000;

export interface KeepBudgets {
  /** Keeps what was counted since. What cannot be written now is tried again. */
  look(): void;
  close(): void;
}

/** `now`: by a clock that was set ahead budgets would be over, and be removed while they still count. */
export function keepBudgets(meters: MemoryMeters, log: Log, now: () => number): KeepBudgets {
  let isFailing = false;
  let more: NodeJS.Immediate | undefined;
  const save = (): boolean => {
    try {
      const isMore = meters.save(now(), atOnce);
      isFailing = false;
      return isMore;
    } catch (error) {
      if (!isFailing) log.warn({ err: error }, 'budgets cannot be kept: a restart forgets what was used since');
      isFailing = true;
      return false;
    }
  };
  const look = (): void => {
    more = save() ? setImmediate(look) : undefined;
  };
  return {
    look: () => {
      if (more === undefined) look();
    },
    close() {
      if (more !== undefined) clearImmediate(more);
      while (save());
    },
  };
}
