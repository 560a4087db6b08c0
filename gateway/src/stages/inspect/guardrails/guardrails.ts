/** Applies the guardrails of the policy to everything that crosses, in both directions. */

import type { SentFinding } from '../../../pipeline/checks.ts';
import type { Verdict } from '../../../pipeline/contracts/audit.ts';
import type { GuardrailAction, Guardrails } from '../../../pipeline/contracts/guardrails.ts';
import type { InboundVerdict, Inspector, OutboundVerdict, Seen } from '../../../pipeline/contracts/inspector.ts';
import { isObject, type Json, type JsonObject } from '../../../protocol/json.ts';
import type { InspectionThread } from '../beside/inspection-thread.ts';
import { withoutMisfit } from '../output-schema.ts';
import { type Judged, type Looked, type Looking, look } from './look.ts';
import type { Placeholders } from './placeholders.ts';
import { type Plan, planOf } from './plan.ts';
import { textsOf, withTexts } from './texts.ts';

export interface GuardrailParts {
  /** Of the fingerprints of findings: they are the same for as long as the master key is. */
  readonly fingerprintKey: Buffer;
  readonly placeholders: Placeholders;
  readonly thread: InspectionThread;
  /** For what a server sends beside calls. */
  readonly guardrailsOf: (server: string) => Guardrails;
  /** Told of each finding that counts. */
  readonly onFinding: (finding: ReportedFinding) => void;
}

export interface ReportedFinding {
  readonly detector: string;
  readonly class: string;
  readonly action: GuardrailAction;
  readonly direction: 'request' | 'response';
}

/** Under `_meta` of a result: what was found in it, for guardrails that warn. */
const findingsKey = 'sallyport/findings';

/** Comes before the arguments are checked: what it leaves of them is what the schema and the rules see. */
export function requestGuardrails({ fingerprintKey, placeholders, thread, onFinding }: GuardrailParts): Inspector {
  return {
    id: 'request-guardrails',
    summary: 'Looks for secrets, personal data, injections and words of the operator in what clients send.',
    inbound({ kind, content }, exchange) {
      const uses = exchange.grants.guardrailsOn(exchange.capability).request;
      if (uses.length === 0) return undefined;
      const plan = planOf(uses);
      const conclude = (looked: Looked): InboundVerdict => {
        report('request', looked, onFinding);
        if (plan.report) keepForReport(exchange, kind, looked);
        if (looked.judged.length > 0 || looked.unscanned !== undefined)
          exchange.checks.find(foundIn(kind, plan, looked));
        note(exchange, plan, { part: kind, looked });
        return inboundVerdict(content, plan, looked);
      };
      const looked = look(content, {
        plan,
        key: fingerprintKey,
        tool: toolOf(exchange),
        thread,
        owner: exchange.caller.key,
        replace: replacing(placeholders, exchange),
      });
      return looked instanceof Promise ? looked.then(conclude) : conclude(looked);
    },
  };
}

/** Comes after masks: what is gone needs no look. */
export function responseGuardrails({
  fingerprintKey,
  placeholders,
  thread,
  guardrailsOf,
  onFinding,
}: GuardrailParts): Inspector {
  return {
    id: 'response-guardrails',
    summary: 'Looks for secrets, personal data, injections and words of the operator in what servers send.',
    outbound({ kind, content }, { upstream, exchange }) {
      const uses = (exchange?.grants.guardrailsOn(exchange.capability) ?? guardrailsOf(upstream.server)).response;
      const asked = kind === 'result' && exchange !== undefined ? askedFor.get(exchange.checks) : undefined;
      if (uses.length === 0)
        return asked === undefined ? undefined : { change: withFindings(content as JsonObject, asked) };
      const plan = planOf(uses);
      const looking: Looking = {
        plan,
        key: fingerprintKey,
        tool: exchange && toolOf(exchange),
        thread,
        owner: exchange?.caller.key ?? `server ${upstream.server}`,
        // What a server sends beside calls is for many callers, so that it can have no placeholder of one.
        replace: exchange === undefined ? () => undefined : replacing(placeholders, exchange),
      };
      const conclude = (looked: Looked): OutboundVerdict => {
        report('response', looked, onFinding);
        if (exchange !== undefined) note(exchange, plan, { part: kind, looked });
        return outboundVerdict(content as JsonObject, { kind, plan, looked, exchange, asked });
      };
      const looked = look(content as JsonObject, looking);
      return looked instanceof Promise ? looked.then(conclude) : conclude(looked);
    },
  };
}

function report(direction: 'request' | 'response', { judged }: Looked, onFinding: GuardrailParts['onFinding']): void {
  for (const { finding, action } of judged)
    onFinding({ detector: finding.detector, class: finding.class, action, direction });
}

function replacing(placeholders: Placeholders, { caller }: Seen): Looking['replace'] {
  return (value, found, guardrail) => placeholders.close(value, found, { caller: caller.key, guardrail });
}

/** Comes after the guardrails, which have no business with what the caller never saw, and before the schema. */
export function restoredPlaceholders({ placeholders }: GuardrailParts): Inspector {
  return {
    id: 'placeholders',
    summary: 'Puts values in the places of placeholders, for servers that a guardrail names.',
    inbound({ kind, content }, { caller, grants, capability, checks }) {
      const { restored } = grants.guardrailsOn(capability);
      if (restored.length === 0) return undefined;
      const { values } = textsOf(content);
      const opened = values.map((value) => placeholders.open(value, caller.key, restored));
      const count = opened.filter((value, index) => value !== values[index]).length;
      if (count === 0) return undefined;
      checks.add({ name: 'placeholders', part: kind, verdict: `restored ×${count}` });
      return { change: withTexts(content, opened, noNames) };
    },
  };
}

const noNames: ReadonlyMap<string, string> = new Map();

function toolOf({ capability }: Seen): string | undefined {
  return capability.type === 'tool' ? capability.name : undefined;
}

function inboundVerdict(content: JsonObject, plan: Plan, looked: Looked): InboundVerdict {
  const { strictest, unscanned } = looked;
  const found = strictest && { guardrail: strictest.guardrail, what: whatOf(strictest), detail: detailOf(looked) };
  if (found !== undefined && strictest?.action === 'block')
    return { refuse: { reason: 'content-blocked', ...found }, keep: looked.content };
  if (unscanned !== undefined && plan.onUnscanned === 'block') {
    const what = 'more than can be looked at';
    return {
      refuse: {
        reason: 'content-blocked',
        guardrail: plan.names.join(', '),
        what,
        detail: `not scanned: ${unscanned}`,
      },
    };
  }
  // A person decides about what would be sent.
  if (found !== undefined && strictest?.action === 'hold')
    return { hold: { ...found, keep: looked.content }, change: looked.heldContent };
  return looked.content === content ? undefined : { change: looked.content };
}

interface Outbound {
  readonly kind: string;
  readonly plan: Plan;
  readonly looked: Looked;
  readonly exchange: Seen | undefined;
  /** What was found in the call, for guardrails that report. */
  readonly asked: readonly ToldFinding[] | undefined;
}

function outboundVerdict(content: JsonObject, { kind, plan, looked, exchange, asked }: Outbound): OutboundVerdict {
  const { strictest, unscanned, judged } = looked;
  if (strictest !== undefined && (strictest.action === 'block' || strictest.action === 'hold'))
    return { withhold: detailOf(looked), guardrail: strictest.guardrail };
  if (unscanned !== undefined && plan.onUnscanned === 'block')
    return { withhold: `not scanned: ${unscanned}`, guardrail: plan.names.join(', ') };
  const told =
    kind === 'result' ? toldOf(plan.report ? judged : judged.filter(({ action }) => action !== 'observe')) : [];
  if (kind === 'result' && plan.report && unscanned !== undefined)
    told.push({ found: `not scanned: ${unscanned}`, action: plan.onUnscanned, count: 1 });
  const all = asked === undefined ? told : [...asked, ...told];
  const isCut = looked.content !== content;
  const fitting =
    isCut && kind === 'result' && exchange !== undefined ? withoutMisfit(looked.content, exchange) : looked.content;
  const change = all.length > 0 ? withFindings(fitting, all) : fitting;
  return change === content ? undefined : { change };
}

/** What a client is told of findings. The value is nowhere in it. */
interface ToldFinding {
  /** `detector/class` */
  readonly found: string;
  readonly action: string;
  readonly count: number;
  /** What the client sent; absent for what the server did. */
  readonly in?: string;
}

/** What a person is told of it who decides about the call. */
function foundIn(part: string, { names, onUnscanned }: Plan, { judged, unscanned }: Looked): readonly SentFinding[] {
  const found = judged.map(({ guardrail, action, finding, path }) => ({
    guardrail,
    found: `${finding.detector}/${finding.class}`,
    action,
    part,
    ...(path.length > 0 && { at: pointerOf(path) }),
  }));
  if (unscanned === undefined) return found;
  return [...found, { guardrail: names.join(', '), found: `not scanned: ${unscanned}`, action: onUnscanned, part }];
}

/** What was found in the call of an exchange, until its result comes. */
const askedFor = new WeakMap<Seen['checks'], readonly ToldFinding[]>();

function keepForReport({ checks }: Seen, part: string, { judged }: Looked): void {
  if (judged.length === 0) return;
  const found = toldOf(judged).map((each) => ({ ...each, in: part }));
  askedFor.set(checks, [...(askedFor.get(checks) ?? []), ...found].slice(0, maxTold));
}

/** Classes that a client is told of. */
const maxTold = 64;

function toldOf(judged: readonly Judged[]): ToldFinding[] {
  return [...countsOf(judged)].slice(0, maxTold).map(([what, count]) => {
    const [action = '', found = ''] = what.split(' ');
    return { found, action, count };
  });
}

/** The result with a word about what was found in it. */
function withFindings(result: JsonObject, told: readonly ToldFinding[]): JsonObject {
  const findings: Json = told.map((each) => ({ ...each }));
  return { ...result, _meta: { ...(isObject(result._meta) ? result._meta : {}), [findingsKey]: findings } };
}

/** By action and class: `redact secrets/jwt`. */
function countsOf(judged: readonly Judged[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { action, finding } of judged) {
    const key = `${action} ${finding.detector}/${finding.class}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

const maxClasses = 8;

/** What the operator reads: actions, classes, numbers and places. */
function detailOf({ judged }: Looked): string {
  const counts = [...countsOf(judged)].slice(0, maxClasses).map(([what, count]) => `${what} ×${count}`);
  const places = new Set(judged.slice(0, maxClasses).map(({ path }) => pointerOf(path)));
  return `${counts.join(', ')} at ${[...places].join(', ')}`;
}

/** What its sender is told of a finding. */
function whatOf({ finding, path }: Judged): string {
  return `${finding.detector}/${finding.class} at ${pointerOf(path)}`;
}

function pointerOf(path: readonly string[]): string {
  if (path.length === 0) return 'a name of a member';
  return path
    .map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('')
    .slice(0, 200);
}

/** An entry in the ledger for each detector that ran, in its version. */
function note(
  exchange: Seen,
  { set, names }: Plan,
  { part, looked }: { readonly part: string; readonly looked: Looked },
): void {
  const { judged, unscanned, micros } = looked;
  for (const [detector, version] of Object.entries(set.versions)) {
    const own = judged.filter(({ finding }) => finding.detector === detector);
    const counts = [...countsOf(own)]
      .slice(0, maxClasses)
      .map(([what, count]) => `${what.replace(`${detector}/`, '')} ×${count}`);
    const verdict: Verdict = {
      name: `${detector}@${version}`,
      part,
      verdict: counts.length === 0 ? 'clean' : counts.join(', '),
      micros,
    };
    exchange.checks.add(verdict);
  }
  if (unscanned !== undefined)
    exchange.checks.add({ name: names.join(', '), part, verdict: `not scanned: ${unscanned}` });
}
