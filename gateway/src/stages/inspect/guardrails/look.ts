/** Runs the detectors of a plan over one piece of content, and says what becomes of it. */
import { type GuardrailAction, guardrailActions } from '../../../pipeline/contracts/guardrails.ts';
import type { JsonObject } from '../../../protocol/json.ts';
import type { InspectionThread } from '../beside/inspection-thread.ts';
import type { Finding } from '../detectors/engine/finding.ts';
import { redactParts } from '../detectors/engine/redact.ts';
import { type ScanResult, scanParts } from '../detectors/engine/scan.ts';
import { type ImageTexts, imageTexts } from './images.ts';
import { isStricter, type Judgement, judge, type Plan } from './plan.ts';
import { pathsOf, type Texts, textsOf, withTexts } from './texts.ts';

export interface Looking {
  readonly plan: Plan;
  /** Of the fingerprints. */
  readonly key: Buffer;
  readonly tool: string | undefined;
  /** For what is long. */
  readonly thread: InspectionThread;
  /** Whose turn that takes. */
  readonly owner: string;
  /** A placeholder for a value of this class; `undefined` where it can have none, which redacts it. */
  readonly replace: (value: string, found: string, guardrail: string) => string | undefined;
}

export interface Judged extends Judgement {
  readonly finding: Finding;
  readonly path: readonly string[];
}

export interface Looked {
  /** The strictest of all; `undefined` where nothing was found, or nothing that counts. */
  readonly strictest: Judged | undefined;
  readonly judged: readonly Judged[];
  /** Why some part was not looked at. */
  readonly unscanned: string | undefined;
  /** The content without what is to be redacted or replaced; the same object where that is nothing. */
  readonly content: JsonObject;
  /** The content for a person to decide about: with what is held, and without what is redacted or replaced. */
  readonly heldContent: JsonObject;
  readonly micros: number;
}

/** Longer content is looked at by the thread beside. In UTF-16 code units. */
const maxAtOnce = 32_768;
/** Of all parts together; beyond it nothing is looked at. */
const bounds = { maxChars: 8 * 1024 * 1024, maxFindings: 500, timeMs: 10_000 };
/** For the thread to say so itself before it is ended. */
const graceMs = 2_000;

/** Answers at once unless the content is long. */
export function look(content: JsonObject, looking: Looking): Looked | Promise<Looked> {
  const began = performance.now();
  const { plan, key, thread, owner } = looking;
  const texts = textsOf(content);
  const pictures = picturesIn(texts.values);
  const parts = partsOf(texts, pictures);
  const conclude = (result: Result): Looked => ({
    ...judged(content, { texts, pictures, parts, result: withPictures(result, pictures) }, looking),
    micros: Math.round((performance.now() - began) * 1_000),
  });
  // Each part costs something, also one that is empty.
  let chars = parts.length;
  for (const part of parts) chars += part.length;
  if (chars <= maxAtOnce) return conclude(scanParts(plan.set, parts, { key, bounds }));
  // What is too long by far is not copied to where it would not be looked at.
  const sent = chars <= bounds.maxChars ? parts : withinLength(parts);
  return thread
    .run(
      { kind: 'scan', spec: plan.spec, parts: sent, key, bounds },
      { owner, chars: Math.min(chars, bounds.maxChars), maxMs: bounds.timeMs + graceMs },
    )
    .then((done) => {
      if (!done.ok) return conclude({ findings: [], unscanned: [{ reason: done.reason }] });
      const isCut = sent !== parts;
      return conclude(
        isCut ? { ...done.answer, unscanned: [...done.answer.unscanned, { reason: 'size' }] } : done.answer,
      );
    });
}

/** Findings, and why some part was not looked at. */
interface Result {
  readonly findings: ScanResult['findings'];
  readonly unscanned: readonly { readonly reason: string }[];
}

function withinLength(parts: readonly string[]): readonly string[] {
  let left = bounds.maxChars;
  return parts.map((part) => {
    const kept = part.slice(0, left);
    left -= kept.length;
    return kept;
  });
}

/** The values, then the names of members, then the words of pictures. */
function partsOf({ values, names }: Texts, pictures: readonly Picture[]): readonly string[] {
  if (names.length === 0 && pictures.length === 0) return values;
  return [...values, ...names, ...pictures.flatMap(({ read }) => read.texts)];
}

/** A value that is a picture, with the words that it carries. */
interface Picture {
  /** Which one of the values. */
  readonly value: number;
  readonly read: ImageTexts;
}

/** Shorter values are no pictures with words. */
const minPicture = 64;

function picturesIn(values: readonly string[]): readonly Picture[] {
  let found: Picture[] | undefined;
  for (const [value, text] of values.entries()) {
    const read = text.length < minPicture ? undefined : imageTexts(text);
    if (read !== undefined && (read.texts.length > 0 || read.isPartial)) (found ??= []).push({ value, read });
  }
  return found ?? noPictures;
}

const noPictures: readonly Picture[] = [];

function withPictures(result: Result, pictures: readonly Picture[]): Result {
  if (!pictures.some(({ read }) => read.isPartial)) return result;
  return { ...result, unscanned: [...result.unscanned, { reason: 'image' }] };
}

interface Scanned {
  readonly texts: Texts;
  readonly pictures: readonly Picture[];
  readonly parts: readonly string[];
  readonly result: Result;
}

function judged(content: JsonObject, scanned: Scanned, { plan, tool, replace }: Looking): Omit<Looked, 'micros'> {
  const { result } = scanned;
  const counting: Judged[] = [];
  let strictest: Judged | undefined;
  let known: ReadonlyMap<number, readonly string[]> | undefined;
  const paths = (): ReadonlyMap<number, readonly string[]> =>
    (known ??= pathsOf(content, new Set(result.findings.map(({ spans }) => valueOf(spans[0].part, scanned)))));
  for (const finding of result.findings) {
    const part = valueOf(finding.spans[0].part, scanned);
    const path = (): readonly string[] => paths().get(part) ?? [];
    const judgement = judge(plan, { finding, tool, path });
    if (judgement === undefined) continue;
    const each = { ...judgement, finding, path: path() };
    counting.push(each);
    if (isStricter(each.action, strictest?.action)) strictest = each;
  }
  const shown = withoutFoundNames(counting, scanned);
  const cut = shown.filter(({ action }) => isCut(action));
  const gone = cut.filter(({ action }) => action !== 'hold');
  const [unscanned] = result.unscanned;
  return {
    judged: shown,
    strictest: strictest && shown[counting.indexOf(strictest)],
    unscanned: unscanned?.reason,
    content: cut.length === 0 ? content : without(content, scanned, { cut, replace }),
    heldContent:
      strictest?.action !== 'hold' || gone.length === 0 ? content : without(content, scanned, { cut: gone, replace }),
  };
}

/** A place is told to people who must not see what was found: in the place of a name that has it stands what it is. */
function withoutFoundNames(judged: readonly Judged[], { texts, parts }: Scanned): readonly Judged[] {
  const first = texts.values.length;
  const names = new Map<string, string>();
  for (const { finding } of judged)
    for (const { part } of finding.spans)
      if (part >= first && part < first + texts.names.length)
        names.set(parts[part] ?? '', `[${finding.detector}/${finding.class}]`);
  if (names.size === 0) return judged;
  return judged.map((each) => ({ ...each, path: each.path.map((name) => names.get(name) ?? name) }));
}

/** Words of a picture stand where the picture does. */
function valueOf(part: number, { texts, pictures }: Scanned): number {
  let first = texts.values.length + texts.names.length;
  if (part < first) return part;
  for (const { value, read } of pictures) {
    first += read.texts.length;
    if (part < first) return value;
  }
  return part;
}

function isCut(action: GuardrailAction): boolean {
  return guardrailActions.indexOf(action) >= guardrailActions.indexOf('replace');
}

interface Cutting {
  readonly cut: readonly Judged[];
  readonly replace: Looking['replace'];
}

function without(content: JsonObject, scanned: Scanned, { cut, replace }: Cutting): JsonObject {
  const { texts, pictures, parts } = scanned;
  const judgements = new Map(cut.map((each) => [each.finding, each]));
  const left = redactParts(parts, [...judgements.keys()], (finding) => {
    const named = `[redacted: ${finding.detector}/${finding.class}]`;
    const { action, guardrail = '' } = judgements.get(finding) ?? {};
    const [span, ...more] = finding.spans;
    // What was decoded or put together is not there as it was found.
    if (action !== 'replace' || more.length > 0 || finding.view !== 'sent') return named;
    return replace(parts[span.part]?.slice(span.from, span.to) ?? '', finding.class, guardrail) ?? named;
  });
  const values = left.slice(0, texts.values.length);
  const names = left.slice(texts.values.length, texts.values.length + texts.names.length);
  const changed = new Set(left.flatMap((text, part) => (text === parts[part] ? [] : [valueOf(part, scanned)])));
  for (const { value, read } of pictures)
    if (changed.has(value) && values[value] === texts.values[value]) values[value] = read.stripped();
  const rename = new Map(
    texts.names.flatMap((name, index) => (names[index] === name ? [] : [[name, names[index] ?? '']])),
  );
  return withTexts(content, values, rename as ReadonlyMap<string, string>);
}
