/** What a rule asks of its meter at one moment. */

import { type Span, spanAt } from '../../../pipeline/calendar.ts';
import type { LimitKind, LimitWindow } from '../../../pipeline/contracts/limit.ts';
import type { Held, Rate, Sum } from '../../../state/contract/meters.ts';

/** A window over time slides by this share of itself: a budget comes back in so many parts. */
const slots = 30;
/** A session of a client that has no sessions ends after so long without a call. */
const sessionIdleMs = 3_600_000;
const forever = 8.64e15;
/** How far the clock on the wall may be behind the steady one before a day of the calendar is forgotten early. */
const slackMs = 2 * 86_400_000;

export interface Now {
  /** Milliseconds since the epoch by a clock that is never set: it goes on from where the wall clock was at the start. */
  readonly steady: number;
  /** What the clock of the machine shows. */
  readonly wall: number;
}

/** One for each rule, so that calendars are looked up once a day. */
export function meterOf(kind: LimitKind): (now: Now) => Rate | Sum | Held {
  switch (kind.is) {
    case 'rate': {
      const meter: Rate = { kind: 'rate', everyMicros: kind.everyMicros, burst: kind.burst };
      return () => meter;
    }
    case 'concurrency': {
      const meter: Held = { kind: 'held', limit: kind.limit };
      return () => meter;
    }
    case 'budget':
      return sumOver(kind.limit, kind.window);
  }
}

function sumOver(limit: number, window: LimitWindow): (now: Now) => Sum {
  switch (window.by) {
    case 'session': {
      const meter: Sum = { kind: 'sum', limit, slot: 0, since: 0, lastsMs: forever, idleMs: sessionIdleMs };
      return () => meter;
    }
    case 'time': {
      const slotMs = window.lengthMs / slots;
      // A slot counts until all of it lies outside the window: never more than the limit in any window.
      const lastsMs = window.lengthMs + slotMs;
      return ({ steady }) => ({
        kind: 'sum',
        limit,
        slot: Math.floor(steady / slotMs) * slotMs,
        since: steady - lastsMs + 1,
        lastsMs,
      });
    }
    case 'calendar': {
      let span: Span = { from: 0, until: 0 };
      return ({ steady, wall }) => {
        if (wall < span.from || wall >= span.until) span = spanAt(wall, window.unit, window.zone);
        const { from, until } = span;
        // Meters are forgotten by the steady clock, by which such a day ends later.
        const behindMs = Math.max(0, steady - wall);
        return {
          kind: 'sum',
          limit,
          slot: from,
          since: from,
          lastsMs: until - from,
          slackMs: slackMs + Math.ceil(behindMs),
        };
      };
    }
  }
}
