/**
 * Runs a set of detectors over the texts of one message, in every reading: as sent, normalised, decoded, joined. Work is
 * bounded by characters, findings, rounds of decoding and time; what was not looked at is reported with its place.
 */
import type { KeyObject } from 'node:crypto';
import type { Hit } from '../detector.ts';
import { startsColons, startsNumber, walk } from './automaton.ts';
import { defaultBounds, type ScanBounds } from './bounds.ts';
import type { BoundMatcher, DetectorSet } from './compile.ts';
import { dataUris } from './data-uris.ts';
import { decodedRuns } from './encoded.ts';
import { unescaped } from './escapes.ts';
import { type Finding, fingerprintOf, isTouched, LastOfClass, settled } from './finding.ts';
import { joinedView } from './joined.ts';
import { isInMark } from './marks.ts';
import { isPrintable, normalised, unusual } from './normalise.ts';
import { areColons, isNumberAt, numberAround } from './shapes.ts';
import {
  type Crowd,
  charge,
  crowdOf,
  isLate,
  mappedView,
  placedText,
  type Span,
  skip,
  type View,
  viewOf,
} from './view.ts';

export interface Unscanned extends Span {
  /** `density`: more anchors crowd there than are looked at. `image`: words of a picture that cannot be read. */
  readonly reason: 'size' | 'findings' | 'time' | 'rounds' | 'density' | 'image';
}

export interface ScanResult {
  /** Ordered by place. */
  readonly findings: readonly Finding[];
  readonly unscanned: readonly Unscanned[];
}

export interface ScanOptions {
  /** Of the fingerprints. */
  readonly key: KeyObject | Uint8Array;
  readonly bounds?: Partial<ScanBounds>;
  /** Milliseconds; monotonic. */
  readonly now?: () => number;
}

/** One text: spans have part 0. */
export function scan(set: DetectorSet, text: string, options: ScanOptions): ScanResult {
  return scanParts(set, [text], options);
}

/** The texts of one message, in the order in which they stand there. */
export function scanParts(set: DetectorSet, parts: readonly string[], options: ScanOptions): ScanResult {
  const steps = scanning(set, parts, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Of asking one matcher, and in other readings of each of them, its numbers and its characters, in characters that are looked at closely. */
const askChars = 16;
const readCost = 64;
const readTimes = 2;
const sliceChars = 16_384;
const minChars = 6;

interface Pending {
  readonly view: View;
  readonly round: number;
}

interface Work {
  readonly set: DetectorSet;
  readonly options: ScanOptions;
  readonly bounds: ScanBounds;
  readonly found: Finding[];
  readonly known: Set<string>;
  /** As many as findings at most. */
  readonly prints: Map<string, string>;
  readonly last: LastOfClass;
  readonly unscanned: Unscanned[];
  readonly crowd: Crowd;
  decodedChars: number;
  /** Characters since other work was let in between. */
  spent: number;
}

/** As `scanParts`, and stops after each slice, so that a caller can let other work in between. */
export function* scanning(
  set: DetectorSet,
  parts: readonly string[],
  options: ScanOptions,
): Generator<undefined, ScanResult> {
  const bounds = { ...defaultBounds, ...options.bounds };
  const now = options.now ?? (() => performance.now());
  const end = now() + bounds.timeMs;
  let chars = 0;
  for (let part = 0; part < parts.length; part++) chars += (parts[part] as string).length;
  const work: Work = {
    set,
    options,
    bounds,
    found: [],
    known: new Set(),
    prints: new Map(),
    last: new LastOfClass(),
    unscanned: [],
    crowd: crowdOf(chars),
    decodedChars: 0,
    spent: 0,
  };
  const scanned: string[] = [];
  let left = bounds.maxChars;
  for (let part = 0; part < parts.length; part++) {
    const whole = parts[part] as string;
    const text = whole.length > left ? whole.slice(0, left) : whole;
    if (text.length < whole.length) work.unscanned.push({ part, from: text.length, to: whole.length, reason: 'size' });
    left -= text.length;
    scanned.push(text);
    // Nothing is that short; what it is a piece of is found in the joined reading.
    if (text.length < minChars && set.onWhole.length === 0 && isPrintable(text)) continue;
    const sent = viewOf('sent', text, { crowd: work.crowd, locate: (from, to) => [{ part, from, to }] });
    const queue: Pending[] = [{ view: sent, round: 0 }];
    let read: Set<string> | undefined;
    for (const pending of queue) {
      const { view } = pending;
      if (view !== sent && !mayRead(work, view)) continue;
      const firstUnusual = view.text.search(unusual);
      wholeText(work, view, firstUnusual);
      const stop = isShort(work, view) ? walkedAtOnce(work, view) : yield* walked(work, view, { now, end });
      if (stop !== undefined) return stopped(work, { view, at: stop.at, part, parts }, stop.reason);
      tellSkipped(work, view);
      for (const reading of readings(work, pending, firstUnusual)) {
        const placed = placedText(reading.view);
        read ??= new Set();
        if (!read.has(placed)) queue.push(reading);
        read.add(placed);
      }
    }
  }
  if (parts.length > 1) yield* joined(work, scanned, { now, end });
  return { findings: settled(work.found, generalIn(work)), unscanned: work.unscanned };
}

interface Clock {
  readonly now: () => number;
  readonly end: number;
}

interface Stop {
  readonly at: number;
  readonly reason: 'time' | 'findings';
}

/** One view, slice by slice. Returns where it had to end early. */
function* walked(work: Work, view: View, { now, end }: Clock): Generator<undefined, Stop | undefined> {
  const listener = listenerOf(work, view);
  for (let at = 0; at < view.text.length; ) {
    const slice = { text: view.text, from: at, to: Math.min(view.text.length, at + sliceChars) };
    at = walk(work.set.automaton, slice, listener);
    work.spent += at - slice.from;
    if (isFull(work)) return { at, reason: 'findings' };
    if (work.spent < sliceChars) continue;
    if (now() > end) return { at, reason: 'time' };
    work.spent = 0;
    yield;
  }
  return undefined;
}

const isShort = ({ spent }: Work, { text }: View): boolean => text.length + spent < sliceChars;

/** Of what is short, without a turn of others in between. */
function walkedAtOnce(work: Work, view: View): Stop | undefined {
  const { length } = view.text;
  walk(work.set.automaton, { text: view.text, from: 0, to: length }, listenerOf(work, view));
  work.spent += length;
  return isFull(work) ? { at: length, reason: 'findings' } : undefined;
}

function* joined(work: Work, parts: readonly string[], clock: Clock): Generator<undefined, void> {
  const whole = joinedView(parts, work.crowd);
  const clean = normalised(whole.text);
  for (const view of clean === undefined ? [whole] : [whole, mappedView('joined', clean, whole)]) {
    const stop = isShort(work, view) ? walkedAtOnce(work, view) : yield* walked(work, view, clock);
    if (stop !== undefined) {
      const rest = view.locate(stop.at, view.text.length);
      work.unscanned.push(...rest.slice(0, 1).map((span) => ({ ...span, reason: stop.reason })));
      return;
    }
    tellSkipped(work, view);
  }
}

function tellSkipped(work: Work, view: View): void {
  const { skipped } = view;
  if (skipped.from >= skipped.to) return;
  const [first] = view.locate(skipped.from, skipped.to);
  if (first !== undefined) work.unscanned.push({ ...first, reason: 'density' });
}

function generalIn({ set: { classes } }: Work): (name: string) => boolean {
  return (name) => classes.get(name)?.isGeneral === true;
}

function isFull({ found, bounds }: Work): boolean {
  return found.length >= bounds.maxFindings;
}

/** What is left when a scan ends early: the rest of this part, and all parts after it. */
function stopped(
  work: Work,
  { view, at, part, parts }: { view: View; at: number; part: number; parts: readonly string[] },
  reason: Unscanned['reason'],
): ScanResult {
  // A full list was full at its last finding, somewhere in the slice.
  const last = reason === 'findings' ? work.found.at(-1)?.spans[0].to : undefined;
  const from = view.kind === 'sent' ? (last ?? at) : 0;
  const rest = parts
    .slice(part)
    .map((text, index) => ({ part: part + index, from: index === 0 ? from : 0, to: text.length, reason }));
  const unscanned = [...work.unscanned, ...rest.filter((span) => span.to > span.from)];
  return { findings: settled(work.found, generalIn(work)), unscanned };
}

/** The other readings of a view. */
function readings(work: Work, { view, round }: Pending, firstUnusual: number): readonly Pending[] {
  const next: Pending[] = [];
  if (view.kind !== 'normalised' && firstUnusual >= 0) {
    const clean = normalised(view.text);
    if (clean !== undefined) next.push({ view: mappedView('normalised', clean, view), round });
  }
  const uris = dataUris(view.text);
  for (const { from, to, isPartial } of uris)
    if (isPartial) work.unscanned.push(...view.locate(from, to).map((span) => ({ ...span, reason: 'image' as const })));
  const decoded = [
    ...[...uris, ...decodedRuns(view.text)].map((run) =>
      viewOf('decoded', run.text, { crowd: work.crowd, locate: () => view.locate(run.from, run.to) }),
    ),
    ...unescaped(view.text).map((mapped) => mappedView('decoded', mapped, view)),
  ];
  for (const each of decoded) {
    work.decodedChars += each.text.length;
    if (round < work.bounds.maxRounds && work.decodedChars <= work.bounds.maxDecodedChars)
      next.push({ view: each, round: round + 1 });
    else {
      const reason = round < work.bounds.maxRounds ? ('size' as const) : ('rounds' as const);
      work.unscanned.push(...each.locate(0, each.text.length).map((span) => ({ ...span, reason })));
    }
  }
  return next;
}

/** Whether a reading may be looked at: a message of which enough was looked at has no more of them. */
function mayRead(work: Work, view: View): boolean {
  const { crowd, unscanned } = work;
  const { length } = view.text;
  if (!isLate(view)) {
    crowd.chars -= 4 * readCost + readTimes * length;
    return true;
  }
  // Those that follow each other are one stretch: there may be many.
  for (const { part, from, to } of view.locate(0, length)) {
    const last = unscanned.at(-1);
    if (last?.reason !== 'density' || last.part !== part) unscanned.push({ part, from, to, reason: 'density' });
    else unscanned[unscanned.length - 1] = { ...last, from: Math.min(from, last.from), to: Math.max(to, last.to) };
  }
  return false;
}

function wholeText(work: Work, view: View, firstUnusual: number): void {
  for (const { detector, matcher } of work.set.onWhole)
    for (const hit of matcher.whole?.(view) ?? []) report(work, view, { detector, hit });
  if (firstUnusual < 0 || view.kind === 'normalised') return;
  for (const bound of work.set.onUnusual) ask(work, view, { bound, from: firstUnusual, to: firstUnusual + 1 });
}

function listenerOf(work: Work, view: View) {
  const { byAnchor, onNumber, onColons } = work.set;
  let numberEnd = 0;
  return {
    anchor(id: number, from: number, to: number): void {
      const all = byAnchor[id] as (typeof byAnchor)[number];
      work.crowd.chars -= askChars * all.length;
      for (let at = 0; at < all.length; at++) ask(work, view, { bound: all[at] as BoundMatcher, from, to });
    },
    shape(bits: number, at: number): void {
      // Characters share columns: a bit says only what may begin there.
      const { text } = view;
      if ((bits & startsColons) !== 0 && areColons(text, at))
        for (const bound of onColons) ask(work, view, { bound, from: at, to: at + 3 });
      if ((bits & startsNumber) === 0 || at < numberEnd || !isNumberAt(text, at)) return;
      const { from, to } = numberAround(view.text, at);
      numberEnd = to;
      if (view.kind !== 'sent') charge(view, readCost);
      for (const bound of onNumber) ask(work, view, { bound, from, to });
    },
  };
}

function ask(work: Work, view: View, { bound, from, to }: { bound: BoundMatcher; from: number; to: number }): void {
  const { matcher, detector } = bound;
  if ((view.kind === 'joined' && !matcher.joins) || isFull(work)) return;
  if (bound.isClose ? work.crowd.chars <= 0 : isLate(view)) return skip(view, from);
  const hits = matcher.find(view, from, to);
  if (hits === undefined) return;
  for (const hit of 'class' in hits ? [hits] : hits) report(work, view, { detector, hit });
}

/** A value that is repeated is hashed once. */
function printOf({ prints, options }: Work, value: string): string {
  const known = prints.get(value);
  if (known !== undefined) return known;
  const made = fingerprintOf(value, options.key);
  prints.set(value, made);
  return made;
}

function report(work: Work, view: View, { detector, hit }: { detector: string; hit: Hit }): void {
  if (isInMark(work.set, view.text, hit.from)) return;
  const [first, ...more] = view.locate(hit.from, hit.to);
  if (first === undefined || (view.kind === 'joined' && more.length === 0) || isFull(work)) return;
  // The same place in another reading is the same finding, and the first reading is the plainest.
  const key = `${detector}/${hit.class} ${first.part} ${first.from} ${more.at(-1)?.to ?? first.to}`;
  if (work.known.has(key)) return;
  work.known.add(key);
  if (more.length === 0 && work.last.covers(`${detector}/${hit.class}`, first, hit.confidence)) return;
  // Put together with its neighbours, a value that stands in one part seems to reach into others.
  if (view.kind === 'joined' && [first, ...more].some((span) => isTouched(work.found, detector, span))) return;
  work.found.push({
    detector,
    class: hit.class,
    severity: work.set.classes.get(`${detector}/${hit.class}`)?.severity ?? 'medium',
    confidence: hit.confidence,
    ...(hit.checksum === undefined ? {} : { checksum: hit.checksum }),
    view: view.kind,
    spans: [first, ...more],
    fingerprint: printOf(work, view.text.slice(hit.from, hit.to)),
  });
}
