/** What the process does for circuit breakers: their settings, and what the operator hears of them. */
import type { Configuration } from '../config/schema/index.ts';
import type { AuditLog } from '../pipeline/contracts/audit.ts';
import { shownInLine } from '../protocol/shown.ts';
import type { BreakerParts } from '../stages/limits/breaker/breaker.ts';
import type { BreakerSettings } from '../stages/limits/breaker/circuit.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

const usual: BreakerSettings = {
  failures: 5,
  share: 0.5,
  calls: 20,
  windowMs: 60_000,
  pauseMs: 1_000,
  longestPauseMs: 60_000,
};

/** Of every server that has one. */
export function breakersOf({
  breaker,
  servers,
}: Pick<Configuration, 'breaker' | 'servers'>): Readonly<Record<string, BreakerSettings>> {
  const all: [string, BreakerSettings][] = [];
  for (const [name, { breaker: own }] of Object.entries(servers)) {
    if (own === 'off' || (own === undefined && breaker === 'off')) continue;
    const base = breaker === 'off' ? usual : settingsOf(breaker, usual);
    const settings = own === undefined ? base : settingsOf(own, base);
    all.push([name, { ...settings, longestPauseMs: Math.max(settings.pauseMs, settings.longestPauseMs) }]);
  }
  return Object.fromEntries(all);
}

type Written = Exclude<Configuration['servers'][string]['breaker'], 'off' | undefined>;

function settingsOf(
  { failures, share, calls, window, pause, longestPause }: Written,
  base: BreakerSettings,
): BreakerSettings {
  return {
    failures: failures ?? base.failures,
    share: share ?? base.share,
    calls: calls ?? base.calls,
    windowMs: window ?? base.windowMs,
    pauseMs: pause ?? base.pauseMs,
    longestPauseMs: longestPause ?? base.longestPauseMs,
  };
}

interface Told {
  readonly audit: AuditLog;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Opening and closing are records: the calls between them have each their own. */
export function breakerReporter({ audit, log, metrics }: Told): BreakerParts {
  return {
    onRefused: (server) => metrics.breaker(server, 'refused'),
    onEvent({ scope, what, why, pauseMs, openedAt, refused }) {
      const { server, part, caller } = scope;
      metrics.breaker(server, what);
      const detail = {
        state: what,
        why,
        ...(part !== undefined && { part: shownInLine(part) }),
        ...(pauseMs !== undefined && { pauseMs: Math.round(pauseMs) }),
        ...(openedAt !== undefined && { openedAt }),
        ...(refused !== undefined && { refused }),
      };
      audit.note({ kind: 'server-breaker', at: Date.now(), server, ...(caller !== undefined && { caller }), detail });
      const told = { server, ...detail, ...(caller !== undefined && { caller: caller.key }) };
      if (what === 'opened') log.warn(told, 'the breaker of a server opened: its calls are refused for now');
      else log.info(told, 'the breaker of a server closed');
    },
  };
}
