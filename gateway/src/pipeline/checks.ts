/** The ledger of one exchange: what looked at it, and what it said. Filled along the road, written with its records. */
import type { Verdict } from './contracts/audit.ts';

/** A record holds no more, and an exchange can have any number of notifications. */
const maxChecks = 32;

/** Findings that are kept one by one; more are counted. */
const maxFindings = 50;

const none: readonly Verdict[] = [];

/** What a guardrail found in what a client sends, for a person who decides about it. The value is nowhere in it. */
export interface SentFinding {
  readonly guardrail: string;
  /** `detector/class` */
  readonly found: string;
  /** What becomes of it, such as `warn`. */
  readonly action: string;
  /** `arguments`, `meta` or `answer`. */
  readonly part: string;
  /** JSON pointer into that part; absent for the name of a member, and for what was not looked at. */
  readonly at?: string;
}

export interface SentFindings {
  readonly listed: readonly SentFinding[];
  readonly more: number;
}

export class Checks {
  #all: Verdict[] | undefined;
  #taken = 0;
  #findings: SentFindings | undefined;

  /** The same check says the same of the same part once. */
  add(verdict: Verdict): void {
    this.#all ??= [];
    const isKnown = this.#all.some(
      ({ name, part, verdict: said }) => name === verdict.name && part === verdict.part && said === verdict.verdict,
    );
    if (!isKnown && this.#all.length < maxChecks) this.#all.push(verdict);
  }

  find(found: readonly SentFinding[]): void {
    const { listed, more } = this.#findings ?? { listed: [], more: 0 };
    const all = [...listed, ...found];
    if (all.length > 0)
      this.#findings = { listed: all.slice(0, maxFindings), more: more + Math.max(0, all.length - maxFindings) };
  }

  /** Undefined where nothing was found. */
  get findings(): SentFindings | undefined {
    return this.#findings;
  }

  /** Those that no record holds yet. */
  take(): readonly Verdict[] {
    if (this.#all === undefined || this.#all.length === this.#taken) return none;
    const left = this.#all.slice(this.#taken);
    this.#taken = this.#all.length;
    return left;
  }
}
