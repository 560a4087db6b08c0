/** What the log knows that a person wants to see before a call is let through. `stages/record/` answers, `admin/` shows it. */

export interface HistoryQuestion {
  /** Id of the operator, whose share of the answers it takes. */
  readonly asker: string;
  /** The approval that it is about, which does not count as one before. */
  readonly approval: string;
  readonly caller: { readonly user?: string; readonly agent?: string; readonly application?: string };
  /** Key of the caller. */
  readonly owner: string;
  readonly server: string;
  /** Of the tool, prompt or resource. */
  readonly name: string;
  /** Servers that the person may see; absent: all. */
  readonly servers?: readonly string[];
}

export interface CallHistory {
  /** Calls that this caller made lately, the newest first; at most 8. */
  readonly recent: readonly PastCall[];
  /** The last call of this caller to the same name that was approved. */
  readonly approved?: {
    /** Milliseconds since the epoch. */
    readonly at: number;
    /** JSON. */
    readonly arguments: string;
  };
}

export interface PastCall {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly method: string;
  readonly server: string;
  readonly name?: string;
  /** What the rules decided, such as `allow`. */
  readonly decision?: string;
  /** Such as `answered`; absent while it is under way. */
  readonly outcome?: string;
  readonly reason?: string;
}

/** Undefined when the log cannot answer now. */
export type AskHistory = (question: HistoryQuestion) => Promise<CallHistory | undefined>;
