/** What commands ask a running gateway about limits, and what it answers, through the mailbox of the data folder. */

export const limitAddress = 'limits';

/** Whose limits, and of which call. Nothing in it is believed: it chooses what is shown, to who has the data folder. */
export interface LimitQuestion {
  /** `user:dana agent:support`, its parts, and its roles. */
  readonly caller: {
    readonly key: string;
    readonly user?: string;
    readonly agent?: string;
    readonly application?: string;
    readonly roles: readonly string[];
  };
  /** Absent: every limit that counts something of this caller. */
  readonly server?: string;
  readonly tool?: string;
  readonly tier?: 'read' | 'write' | 'destructive';
  readonly connections?: readonly string[];
}

/** One meter. Amounts in the unit of the limit: calls, bytes, or cost. */
export interface LimitRow {
  readonly limit: string;
  readonly is: string;
  readonly place?: string;
  /** Whose it is, as the limit tells them apart. */
  readonly key: string;
  readonly used: number;
  readonly of: number;
  readonly isObserved: boolean;
  /** While there is no room. */
  readonly retryAfterSeconds?: number;
}

export function readQuestion(text: string): LimitQuestion | undefined {
  try {
    const value = JSON.parse(text) as Partial<LimitQuestion> | null;
    const { caller } = value ?? {};
    if (typeof caller?.key !== 'string' || !Array.isArray(caller.roles)) return undefined;
    return value as LimitQuestion;
  } catch {
    // Written by another version, or by hand: it is no question.
    return undefined;
  }
}
