/** What a list of guardrails comes to: one set of detectors, and what each finding costs. Made once for each list. */
import {
  type DetectorUse,
  type GuardrailAction,
  type GuardrailUse,
  guardrailActions,
  guardrailLevels,
  type Severity,
  severities,
} from '../../../pipeline/contracts/guardrails.ts';
import type { DetectorSet } from '../detectors/engine/compile.ts';
import type { Finding } from '../detectors/engine/finding.ts';
import { type SetSpec, setOf } from './sets.ts';

/** One line of a guardrail that is in force. */
interface Line {
  readonly guardrail: string;
  readonly use: DetectorUse;
}

export interface Plan {
  readonly spec: SetSpec;
  readonly set: DetectorSet;
  /** By detector, or `words/<label>`. */
  readonly lines: ReadonlyMap<string, readonly Line[]>;
  readonly onUnscanned: 'observe' | 'warn' | 'block';
  /** Some guardrail says that the client is told of everything that was found. */
  readonly report: boolean;
  /** Names of the guardrails, for people. */
  readonly names: readonly string[];
}

/** Where a finding was made. */
export interface Found {
  readonly finding: Finding;
  /** Of the tool, where there is one. */
  readonly tool: string | undefined;
  /** The parts of a JSON pointer. */
  readonly path: () => readonly string[];
}

export interface Judgement {
  readonly action: GuardrailAction;
  readonly guardrail: string;
}

const plans = new WeakMap<readonly GuardrailUse[], Plan>();

/** The list is of a revision, and made once. */
export function planOf(all: readonly GuardrailUse[]): Plan {
  const known = plans.get(all);
  if (known !== undefined) return known;
  const lines = linesOf(all);
  const wordLists = [...new Set(all.map(({ guardrail }) => guardrail))].flatMap((each) => each.wordLists);
  const ids = [...new Set([...lines.keys()].map((key) => key.split('/', 1)[0] ?? ''))];
  const spec = { ids, wordLists };
  const plan: Plan = {
    spec,
    set: setOf(spec),
    lines,
    onUnscanned: strictestUnscanned(all),
    report: all.some(({ guardrail }) => guardrail.report),
    names: [...new Set(all.map(({ guardrail }) => guardrail.name))],
  };
  plans.set(all, plan);
  return plan;
}

/** An outer line that may be loosened is gone where an inner guardrail names the same detector. */
function linesOf(all: readonly GuardrailUse[]): ReadonlyMap<string, readonly Line[]> {
  const lines = new Map<string, Line[]>();
  for (const { level, guardrail } of all)
    for (const [detector, use] of Object.entries(guardrail.uses)) {
      const isReplaced =
        use.isOverridable &&
        all.some(
          (inner) =>
            guardrailLevels.indexOf(inner.level) > guardrailLevels.indexOf(level) &&
            Object.hasOwn(inner.guardrail.uses, detector),
        );
      if (isReplaced) continue;
      const line = { guardrail: guardrail.name, use };
      const known = lines.get(detector);
      if (known === undefined) lines.set(detector, [line]);
      else known.push(line);
    }
  return lines;
}

function strictestUnscanned(all: readonly GuardrailUse[]): Plan['onUnscanned'] {
  const said = all.map(({ guardrail }) => guardrail.onUnscanned);
  return said.includes('block') ? 'block' : said.includes('warn') ? 'warn' : 'observe';
}

/** The strictest of what the guardrails say of a finding; `undefined` where all let it through. */
export function judge({ lines }: Plan, found: Found): Judgement | undefined {
  const { finding } = found;
  const own = lines.get(`${finding.detector}/${finding.class}`);
  const whole = lines.get(finding.detector);
  let strictest: Judgement | undefined;
  for (const list of [own, whole])
    for (const { guardrail, use } of list ?? [])
      if (concerns(use, found) && isStricter(use.action, strictest?.action))
        strictest = { action: use.action, guardrail };
  return strictest;
}

export function isStricter(action: GuardrailAction, than: GuardrailAction | undefined): boolean {
  return than === undefined || guardrailActions.indexOf(action) > guardrailActions.indexOf(than);
}

function concerns(use: DetectorUse, { finding, tool, path }: Found): boolean {
  const { classes, exceptClasses, minSeverity, minConfidence, except } = use;
  if (classes !== undefined && !classes.includes(finding.class)) return false;
  if (exceptClasses.includes(finding.class) || finding.confidence < minConfidence) return false;
  if (rank(finding.severity) < rank(minSeverity)) return false;
  if (except.fingerprints.includes(finding.fingerprint)) return false;
  if (tool !== undefined && except.tools.includes(tool)) return false;
  return except.paths.length === 0 || !except.paths.some((pointer) => leadsTo(pointer, path()));
}

function rank(severity: Severity): number {
  return severities.indexOf(severity);
}

/** To what the pointer names, or into it. */
function leadsTo(pointer: readonly string[], path: readonly string[]): boolean {
  return pointer.length <= path.length && pointer.every((part, index) => part === '*' || part === path[index]);
}
