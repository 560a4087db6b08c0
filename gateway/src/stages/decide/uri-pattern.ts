/**
 * Patterns for resources: RFC 6570 level 1. A variable stands for one segment of a path, or a part of one, and never
 * for nothing. Beside that there are `*` (everything), `scheme:**` (a whole scheme) and a last segment `**` (everything
 * below). Patterns are compared with parsed, normalised URIs, never with strings.
 */

import type { Failed } from '../../protocol/result.ts';
import { authorityOf, decode, isDotSegment, maxUriLength, normalise, splitUri, type Uri } from './uri.ts';

/** Text with at most one variable in it, which makes a match unambiguous. */
export interface Part {
  readonly prefix: string;
  /** `undefined`: the prefix is all there is. */
  readonly variable: string | undefined;
  readonly suffix: string;
}

export interface UriPattern {
  readonly source: string;
  readonly reach: 'everything' | 'scheme' | 'below' | 'exact';
  readonly scheme: string;
  readonly authority: Part | undefined;
  readonly rooted: boolean;
  readonly segments: readonly Part[];
  readonly query: Part | undefined;
  readonly fragment: Part | undefined;
  readonly variables: readonly string[];
}

export type PatternResult = { readonly ok: true; readonly pattern: UriPattern } | Failed;

const everything: Omit<UriPattern, 'source'> = {
  reach: 'everything',
  scheme: '',
  authority: undefined,
  rooted: false,
  segments: [],
  query: undefined,
  fragment: undefined,
  variables: [],
};

export function parsePattern(source: string): PatternResult {
  if (source === '*') return { ok: true, pattern: { source, ...everything } };
  if (source.length > maxUriLength) return refuse('is too long', 'Write a shorter pattern.');
  const whole = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/)?\*\*$/.exec(source)?.[1]?.toLowerCase();
  if (whole !== undefined) return { ok: true, pattern: { source, ...everything, reach: 'scheme', scheme: whole } };
  const level = /\{[+#./;?&][^}]*\}/.exec(source)?.[0];
  if (level !== undefined)
    return refuse(
      `${level} is beyond level 1 of RFC 6570`,
      'Use {name} for one segment, or end with /** for all below.',
    );
  const split = splitUri(source);
  if (split === undefined)
    return refuse('is not a URI', 'Begin with a scheme, such as resource://; "*" is everything.');
  const [scheme = '', authority, path = '', query, fragment] = split;
  if (authority?.includes('@') === true) return refuse('has a user name', 'Remove it: such URIs are always refused.');
  const rooted = path.startsWith('/');
  const texts = path === '' ? [] : path.split('/').slice(rooted ? 1 : 0);
  const below = texts.at(-1) === '**';
  if (below) texts.pop();
  const lower = scheme.toLowerCase();
  const host = authorityOf(lower, authority);
  if (!host.ok) return refuse(host.fault, 'docs/policy.md shows what patterns can say.');
  const parts = [host.text, ...texts, query, fragment].map((text, index) =>
    text === undefined
      ? undefined
      : parsePart(text, index === 0 ? 'authority' : index > texts.length ? 'tail' : 'segment'),
  );
  const good: (Part | undefined)[] = [];
  for (const part of parts) {
    if (typeof part === 'string') return refuse(part, 'docs/policy.md shows what patterns can say.');
    good.push(part);
  }
  const segments = good.slice(1, -2).filter((part) => part !== undefined);
  if (segments.some((part) => part.variable === undefined && isDotSegment(part.prefix)))
    return refuse('has a dot segment', 'Write the path without . and .. segments: such URIs are always refused.');
  const variables = good.flatMap((part) => (part?.variable === undefined ? [] : [part.variable]));
  const twice = variables.find((name, index) => variables.indexOf(name) !== index);
  if (twice !== undefined) return refuse(`has the variable {${twice}} twice`, 'Give each variable a name of its own.');
  if (below && (query !== undefined || fragment !== undefined))
    return refuse('has something after **', 'End the pattern with /**.');
  return {
    ok: true,
    pattern: {
      source,
      reach: below ? 'below' : 'exact',
      scheme: lower,
      authority: good[0],
      rooted,
      segments,
      query: good.at(-2),
      fragment: good.at(-1),
      variables,
    },
  };
}

function refuse(problem: string, remedy: string): PatternResult {
  return { ok: false, problem: `the pattern ${problem}`, remedy };
}

/** A part, or what is wrong with it. */
function parsePart(text: string, kind: 'authority' | 'segment' | 'tail'): Part | string {
  const pieces = text.split(/\{([A-Za-z_][A-Za-z0-9_]{0,63})\}/);
  const [before = '', variable, after = ''] = pieces;
  if (pieces.length > 3) return 'has two variables in one segment, which can be read in more than one way';
  if (/[{}]/.test(before + after)) return 'has a brace that belongs to no {name}';
  if ((before + after).includes('*')) return 'has a * that is neither alone nor a last /**';
  const prefix = normalise(before, kind);
  const suffix = normalise(after, kind);
  if (!prefix.ok) return prefix.fault;
  if (!suffix.ok) return suffix.fault;
  return { prefix: prefix.text, variable, suffix: suffix.text };
}

/**
 * The values of the variables where a pattern matches. `closing` is for rules that deny or hold: it reads widely, so that
 * an added query, a doubled or a trailing slash does not lead around them. Rules that open read narrowly.
 */
export function matchUri(
  pattern: UriPattern,
  uri: Uri,
  rule: 'opening' | 'closing',
): Record<string, string> | undefined {
  const closing = rule === 'closing';
  const values: Record<string, string> = {};
  if (pattern.reach === 'everything') return values;
  if (pattern.scheme !== uri.scheme) return undefined;
  if (pattern.reach === 'scheme') return values;
  const anyHost = closing && meansEveryHost(pattern);
  // A port beside the host does not lead around what closes every host.
  const notInHost = closing ? never : /[:@]/;
  if (!anyHost && !matchPart(pattern.authority, uri.authority, notInHost, values)) return undefined;
  if (!closing && pattern.rooted !== uri.rooted) return undefined;
  const segments = closing ? uri.segments.filter(isNotEmpty) : uri.segments;
  const wanted = closing
    ? pattern.segments.filter(({ prefix, variable }) => prefix !== '' || variable !== undefined)
    : pattern.segments;
  if (pattern.reach === 'exact' ? segments.length !== wanted.length : segments.length < wanted.length) return undefined;
  for (let index = 0; index < wanted.length; index++)
    if (!matchPart(wanted[index], segments[index], /\//, values)) return undefined;
  if (pattern.reach === 'below' && !closing) {
    const rest = segments.slice(wanted.length);
    if (rest.length === 0 || !rest.every(isNotEmpty)) return undefined;
  }
  if (!(closing && pattern.query === undefined)) {
    const matchQuery = closing ? matchParameters : matchTail;
    if (!matchQuery(pattern.query, uri.query, values)) return undefined;
  }
  if (!(closing && pattern.fragment === undefined) && !matchTail(pattern.fragment, uri.fragment, values))
    return undefined;
  return values;
}

/** Servers read the path of `file://anything/x` and never the host, so what closes `file:///x` closes that as well. */
export function meansEveryHost({ scheme, authority }: UriPattern): boolean {
  return scheme === 'file' && authority?.prefix === '' && authority.variable === undefined;
}

function matchTail(part: Part | undefined, text: string | undefined, into: Record<string, string>): boolean {
  return matchPart(part, text, /&/, into);
}

/** Each parameter of the pattern is there, in whatever order, and whatever stands beside it. */
function matchParameters(part: Part | undefined, text: string | undefined, into: Record<string, string>): boolean {
  if (part === undefined || text === undefined) return part === undefined;
  const before = part.prefix.split('&');
  const [first = '', ...after] = part.suffix.split('&');
  const own = { prefix: before.pop() ?? '', variable: part.variable, suffix: first };
  const fixed = [...before, ...after].map((prefix) => ({ prefix, variable: undefined, suffix: '' }));
  const given = text.split('&');
  return [...fixed, own].every((wanted) => given.some((parameter) => matchTail(wanted, parameter, into)));
}

/** Matches no text. */
const never = /(?!)/;

function isNotEmpty(text: string): boolean {
  return text !== '';
}

function matchPart(
  part: Part | undefined,
  text: string | undefined,
  excluded: RegExp,
  into: Record<string, string>,
): boolean {
  if (part === undefined || text === undefined) return part === undefined && text === undefined;
  const { prefix, variable, suffix } = part;
  if (variable === undefined) return text === prefix;
  if (text.length <= prefix.length + suffix.length || !text.startsWith(prefix) || !text.endsWith(suffix)) return false;
  const value = text.slice(prefix.length, text.length - suffix.length);
  const decoded = excluded.test(value) ? undefined : decode(value);
  if (decoded === undefined) return false;
  into[variable] = decoded;
  return true;
}
