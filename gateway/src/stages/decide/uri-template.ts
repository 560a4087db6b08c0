/**
 * Compares the patterns of rules with the URI templates that servers advertise. A template is shown when some URI of it
 * could be opened, and hidden when a rule surely denies all of them. Where a template cannot be read to its end, what
 * is left of it counts as anything. Showing a template grants nothing: each URI is decided when it is read.
 */
import { authorityOf, isDotSegment, normalise, splitUri } from './uri.ts';
import { meansEveryHost, type Part, type UriPattern } from './uri-pattern.ts';

/** A template as far as it is understood. */
export interface Template {
  /** `undefined`: not even the scheme is fixed. */
  readonly scheme: string | undefined;
  readonly authority: LoosePart | undefined;
  readonly segments: readonly LoosePart[];
  /** The path ends after these segments; a query may follow. */
  readonly complete: boolean;
}

/** Text that begins with `prefix` and ends with `suffix`; exactly `prefix` when nothing is open in it. */
interface LoosePart {
  readonly prefix: string;
  readonly suffix: string;
  readonly open: boolean;
}

const unknown: Template = { scheme: undefined, authority: undefined, segments: [], complete: false };

/** `undefined`: each of its URIs is refused, whatever its variables say. */
export function parseTemplate(text: string): Template | undefined {
  if (text.length > 8192) return unknown;
  const open = /\{(?![A-Za-z0-9_%.]+(?::\d{1,4})?\})/.exec(text);
  const head = open === null ? text : text.slice(0, open.index);
  const tail = open === null || '?&#'.includes(text[open.index + 1] ?? '');
  const split = splitUri(head.replace(/\{[^}]*\}/g, '{}'));
  if (split === undefined) return unknown;
  const [rawScheme = '', authority, path = '', query] = split;
  const scheme = rawScheme.toLowerCase();
  const complete = tail || query !== undefined;
  const texts = path === '' ? [] : path.split('/').slice(path.startsWith('/') ? 1 : 0);
  // The segment in which reading ended may go on in any way.
  if (!complete) texts.pop();
  const authorityDone = path !== '' || complete;
  const host = authorityDone ? authorityOf(scheme, authority) : { ok: true as const, text: '{}' };
  if (!host.ok) return { ...unknown, scheme };
  const parts = [host.text, ...texts].map((part, index) =>
    part === undefined ? undefined : loose(part, index === 0 ? 'authority' : 'segment'),
  );
  if (parts.includes('bad')) return { ...unknown, scheme };
  const [first, ...rest] = parts as (LoosePart | undefined)[];
  const segments = rest.filter((part) => part !== undefined);
  if (segments.some(({ prefix, open }) => isDotSegment(open ? `${prefix}x` : prefix))) return undefined;
  return { scheme, authority: first, segments, complete };
}

function loose(text: string, kind: 'authority' | 'segment'): LoosePart | 'bad' {
  const pieces = text.split('{}').map((piece) => normalise(piece, kind));
  const first = pieces[0];
  const last = pieces.at(-1);
  if (first?.ok !== true || last?.ok !== true) return 'bad';
  return { prefix: first.text, suffix: pieces.length > 1 ? last.text : '', open: pieces.length > 1 };
}

/** True when some URI of the template could match the pattern. */
export function canOverlap(pattern: UriPattern, template: Template): boolean {
  if (pattern.reach === 'everything' || template.scheme === undefined) return true;
  if (pattern.scheme !== template.scheme) return false;
  if (pattern.reach === 'scheme') return true;
  if (!overlaps(pattern.authority, template.authority)) return false;
  const length = template.segments.length;
  if (
    pattern.reach === 'exact' &&
    (template.complete ? pattern.segments.length !== length : pattern.segments.length < length)
  )
    return false;
  if (pattern.reach === 'below' && template.complete && length <= pattern.segments.length) return false;
  return pattern.segments.slice(0, length).every((part, index) => overlaps(part, template.segments[index]));
}

function overlaps(part: Part | undefined, other: LoosePart | undefined): boolean {
  if (part === undefined || other === undefined) return part === undefined && other === undefined;
  if (part.variable === undefined)
    return other.open
      ? part.prefix.length >= other.prefix.length + other.suffix.length &&
          part.prefix.startsWith(other.prefix) &&
          part.prefix.endsWith(other.suffix)
      : part.prefix === other.prefix;
  if (!other.open)
    return (
      other.prefix.length > part.prefix.length + part.suffix.length &&
      other.prefix.startsWith(part.prefix) &&
      endsWith(other.prefix, part.suffix)
    );
  const starts = part.prefix.startsWith(other.prefix) || other.prefix.startsWith(part.prefix);
  return starts && (part.suffix.endsWith(other.suffix) || other.suffix.endsWith(part.suffix));
}

/** True when every URI of the template surely matches the pattern, read as a closing rule reads it. */
export function covers(pattern: UriPattern, template: Template): boolean {
  if (pattern.reach === 'everything') return true;
  if (template.scheme === undefined || pattern.scheme !== template.scheme) return false;
  if (pattern.reach === 'scheme') return true;
  if (pattern.query !== undefined || pattern.fragment !== undefined) return false;
  // Rules that close take no notice of empty segments.
  const wanted = pattern.segments.filter(({ prefix, variable }) => prefix !== '' || variable !== undefined);
  const segments = template.segments.filter(({ prefix, open }) => prefix !== '' || open);
  if (pattern.reach === 'exact' && !(template.complete && segments.length === wanted.length)) return false;
  if (segments.length < wanted.length) return false;
  if (!meansEveryHost(pattern) && !includes(pattern.authority, template.authority)) return false;
  return wanted.every((part, index) => includes(part, segments[index]));
}

function includes(part: Part | undefined, other: LoosePart | undefined): boolean {
  if (part === undefined || other === undefined) return part === undefined && other === undefined;
  if (part.variable === undefined) return !other.open && part.prefix === other.prefix;
  if (!other.open) return overlaps(part, other);
  return other.prefix.startsWith(part.prefix) && endsWith(other.suffix, part.suffix);
}

/** `%20` does not end with `0`: it is one character. */
function endsWith(text: string, suffix: string): boolean {
  return text.endsWith(suffix) && !/%.?$/.test(text.slice(0, text.length - suffix.length));
}
