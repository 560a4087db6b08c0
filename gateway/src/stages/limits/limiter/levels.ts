/** What a limit has left for a key, as clients are told it. */
import type { LimitLevel, LimitRule } from '../../../pipeline/contracts/limit.ts';
import type { Level } from '../../../state/contract/meters.ts';

/** `undefined` for costs, which have no unit that a client could know. `seconds`: until there is room, where there is none. */
export function levelOf(
  { name, kind }: LimitRule,
  { used }: Level,
  seconds: number | undefined,
): LimitLevel | undefined {
  switch (kind.is) {
    case 'rate': {
      const { burst, everyMicros } = kind;
      const secondsFor = (count: number): number => Math.max(1, Math.ceil((count * everyMicros) / 1_000_000));
      const remaining = leftOf(burst, used);
      return {
        name,
        quota: burst,
        windowSeconds: secondsFor(burst),
        remaining,
        resetSeconds: secondsFor(burst - remaining),
      };
    }
    case 'concurrency':
      return { name, quota: kind.limit, unit: 'concurrent-requests', remaining: leftOf(kind.limit, used) };
    case 'budget': {
      if (kind.of === 'cost') return undefined;
      const { window, limit } = kind;
      const windowSeconds = window.by === 'time' ? Math.ceil(window.lengthMs / 1_000) : undefined;
      const resetSeconds = seconds ?? windowSeconds;
      return {
        name,
        quota: limit,
        ...(kind.of !== 'calls' && { unit: 'content-bytes' as const }),
        ...(windowSeconds !== undefined && { windowSeconds }),
        remaining: leftOf(limit, used),
        ...(resetSeconds !== undefined && { resetSeconds }),
      };
    }
  }
}

function leftOf(limit: number, used: number): number {
  return Math.max(0, Math.floor(limit - used));
}
