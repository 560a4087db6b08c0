/** What the policy says about content: which detectors look at it, and what becomes of what they find. */

/** From the mildest to the strictest. Where several apply to one finding, the strictest is taken. */
export const guardrailActions = ['observe', 'warn', 'replace', 'redact', 'hold', 'block'] as const;
export type GuardrailAction = (typeof guardrailActions)[number];

export const severities = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** What one guardrail does with the findings of one detector. */
export interface DetectorUse {
  readonly action: GuardrailAction;
  /** Only these classes; all of them where it is absent. */
  readonly classes?: readonly string[];
  /** Not these classes. */
  readonly exceptClasses: readonly string[];
  readonly minSeverity: Severity;
  /** From 0 to 1. */
  readonly minConfidence: number;
  /** An inner level that names the detector as well takes the place of this. */
  readonly isOverridable: boolean;
  /** Findings that are let through. */
  readonly except: {
    /** As records show them: of exactly these values. */
    readonly fingerprints: readonly string[];
    /** Names of tools. */
    readonly tools: readonly string[];
    /** JSON pointers (RFC 6901), each as its parts; `*` stands for any name or index. */
    readonly paths: readonly (readonly string[])[];
  };
}

export interface WordList {
  /** Of the finding: its class of the detector `words`. */
  readonly label: string;
  readonly words: readonly string[];
  /** Regular expressions, in the syntax of RE2. */
  readonly patterns: readonly string[];
}

export interface Guardrail {
  readonly name: string;
  /** `file:line:column`; absent for what ships. */
  readonly place?: string;
  /** By detector, or by `words/<label>`. */
  readonly uses: Readonly<Record<string, DetectorUse>>;
  readonly wordLists: readonly WordList[];
  /** What becomes of content of which a part could not be looked at. */
  readonly onUnscanned: 'observe' | 'warn' | 'block';
  /** The client is told what was found, whatever becomes of it. */
  readonly report: boolean;
}

/** Where a guardrail stands, from the outermost. */
export const guardrailLevels = ['gateway', 'server', 'connection', 'rule'] as const;

export interface GuardrailUse {
  readonly level: (typeof guardrailLevels)[number];
  readonly guardrail: Guardrail;
}

/** What applies to what a client sends, and to what a server sends. */
export interface Guardrails {
  readonly request: readonly GuardrailUse[];
  readonly response: readonly GuardrailUse[];
  /** Names of the guardrails whose placeholders become values again in what is sent to this server. */
  readonly restored: readonly string[];
}

export const noGuardrails: Guardrails = { request: [], response: [], restored: [] };
