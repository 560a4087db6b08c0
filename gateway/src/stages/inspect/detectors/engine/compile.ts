/** A set of detectors with one automaton over all their anchors. */
import type { DetectorDefinition, FindingClass, Matcher } from '../detector.ts';
import { type Automaton, compileAutomaton } from './automaton.ts';
import { fold } from './fold.ts';

export interface BoundMatcher {
  readonly detector: string;
  readonly matcher: Matcher;
  readonly isClose: boolean;
}

export interface DetectorSet {
  readonly automaton: Automaton;
  /** The matchers of each anchor of the automaton. */
  readonly byAnchor: readonly (readonly BoundMatcher[])[];
  readonly onNumber: readonly BoundMatcher[];
  readonly onColons: readonly BoundMatcher[];
  readonly onUnusual: readonly BoundMatcher[];
  readonly onWhole: readonly BoundMatcher[];
  /** By detector and class: `secrets/jwt`. */
  readonly classes: ReadonlyMap<string, FindingClass>;
  /** By id: what records say of the check. */
  readonly versions: Readonly<Record<string, number>>;
}

/** A detector with the options that the operator gave. */
export interface Chosen {
  readonly id: string;
  readonly version: number;
  readonly classes: readonly FindingClass[];
  readonly matchers: readonly Matcher[];
}

export function choose<Options>(detector: DetectorDefinition<Options>, options: Options): Chosen {
  const { id, version } = detector;
  return { id, version, classes: detector.classes(options), matchers: detector.matchers(options) };
}

/** Costs milliseconds: once for each set, when the configuration is loaded. */
export function compileDetectors(chosen: readonly Chosen[]): DetectorSet {
  const all = chosen.flatMap(({ id, matchers }) =>
    matchers.map((matcher) => ({ detector: id, matcher, isClose: matcher.isClose === true })),
  );
  const byLiteral = new Map<string, BoundMatcher[]>();
  for (const bound of all)
    for (const literal of new Set((bound.matcher.anchors ?? []).map(fold))) {
      const known = byLiteral.get(literal);
      if (known === undefined) byLiteral.set(literal, [bound]);
      else known.push(bound);
    }
  const on = (shape: 'number' | 'colons' | 'unusual') => all.filter(({ matcher }) => matcher.shapes?.includes(shape));
  return {
    automaton: compileAutomaton([...byLiteral.keys()]),
    byAnchor: [...byLiteral.values()],
    onNumber: on('number'),
    onColons: on('colons'),
    onUnusual: on('unusual'),
    onWhole: all.filter(({ matcher }) => matcher.whole !== undefined),
    classes: new Map(chosen.flatMap(({ id, classes }) => classes.map((each) => [`${id}/${each.id}`, each] as const))),
    versions: Object.fromEntries(chosen.map(({ id, version }) => [id, version])),
  };
}
