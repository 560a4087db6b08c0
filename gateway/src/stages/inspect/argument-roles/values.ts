/** What each role makes of a value: the value in its one spelling, or why it must not be sent. */
import { posix, win32 } from 'node:path';
import type { ArgumentRole, Moment, SqlRole } from '../../../pipeline/contracts/argument-roles.ts';
import type { Json } from '../../../protocol/json.ts';
import { plainNumber } from '../../../protocol/json.ts';
import { canonicalHost, hostProblem } from './hosts.ts';
import { htmlProblem } from './markup.ts';
import { shellProblem } from './shell.ts';

export type Judged = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: string };

const no = (problem: string): Judged => ({ ok: false, problem });
const yes = (value: Json): Judged => ({ ok: true, value });

/** Of the roles that are judged at once. */
export function judged(value: Json, role: Exclude<ArgumentRole, SqlRole>, now: number): Judged {
  if (role.role === 'limit') return limited(value, role);
  if (typeof value !== 'string') return no('must be a text');
  switch (role.role) {
    case 'path':
      return pathUnder(value, role.under);
    case 'url':
      return urlOf(value, role);
    case 'host':
      return hostOf(value, role);
    case 'identifier':
      return /^[A-Za-z0-9](?:[A-Za-z0-9._:@-]*[A-Za-z0-9])?$/.test(value) && value.length <= role.maxLength
        ? yes(value)
        : no(`must be an identifier of at most ${role.maxLength} letters, digits and . _ : @ -`);
    case 'date':
      return dateWithin(value, role, now);
    case 'shell':
      return fitting(value, shellProblem(value, role.programs));
    case 'html':
      return fitting(value, htmlProblem(value, role));
  }
}

function fitting(value: Json, problem: string | undefined): Judged {
  return problem === undefined ? yes(value) : no(problem);
}

/** Shares, drives without a folder, streams, devices, and dots that Windows drops. */
function isDoubtfulOnWindows(text: string): boolean {
  const rest = text.replace(/^[A-Za-z]:(?=[/\\])/, '');
  const isDevice = /(?:^|[/\\])(?:con|prn|aux|nul|com\d|lpt\d)(?:[.\s][^/\\]*)?(?:[/\\]|$)/i.test(rest);
  return (
    /^[/\\]{2}|:|[/\\]\.{3,}(?:[/\\]|$)|[. ](?:[/\\]|$)/.test(
      rest.replace(/(?:^|(?<=[/\\]))\.{1,2}(?=[/\\]|$)/g, ''),
    ) || isDevice
  );
}

const maxPathLength = 4_096;
/** What some programs decode, expand or read as another path: percent signs, variables, home folders, short names, streams. */
const doubtful = /[\p{Cc}%$*?"<>|`]|^~|~\d|\/\.{3,}(?:\/|$)/u;

function pathUnder(text: string, under: readonly string[]): Judged {
  const [first = '/'] = under;
  const isWindows = /^[A-Za-z]:/.test(first);
  if (text === '' || text.length > maxPathLength || doubtful.test(text)) return no('must be a plain path');
  if (isWindows ? isDoubtfulOnWindows(text) : text.includes('\\') || text.startsWith('//'))
    return no('must be a plain path');
  const paths = isWindows ? win32 : posix;
  const { sep } = paths;
  const whole = paths.normalize(paths.isAbsolute(text) ? text : paths.join(first, text));
  const path = whole.length > 1 && whole.endsWith(sep) && !/^[A-Za-z]:\\$/.test(whole) ? whole.slice(0, -1) : whole;
  const fold = (each: string): string => (isWindows ? each.toLowerCase() : each);
  const isWithin = under.some((folder) => {
    const root = fold(paths.normalize(folder)).replace(/[/\\]$/, '');
    return fold(path) === root || fold(path).startsWith(root + sep);
  });
  return isWithin ? yes(path) : no(`must lie under ${under.join(' or ')}`);
}

type UrlRole = Extract<ArgumentRole, { role: 'url' }>;

function urlOf(text: string, role: UrlRole): Judged {
  // Readers differ about all of these (WHATWG URL and RFC 3986): white space, backslashes, and a user in front of the host.
  if (/[\s\\\p{Cc}]/u.test(text)) return no('must be a plain URL');
  const url = URL.parse(text);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]?.toLowerCase();
  if (url === null || scheme === undefined) return no('must be a URL');
  if (!role.schemes.includes(scheme))
    return no(`must begin with ${role.schemes.map((each) => `${each}:`).join(' or ')}`);
  if (url.username !== '' || url.password !== '') return no('must hold no user name and no password');
  if (!/^(?:https?|ftp|wss?)$/.test(scheme)) return otherUrl(text, scheme, role);
  const written = /^[^:]*:\/\/([^/?#]*)/.exec(text)?.[1]?.replace(/:\d*$/, '') ?? '';
  if (canonicalHost(written) !== url.hostname) return no('must name its host in one plain spelling');
  const problem = hostProblem(url.hostname, role);
  return problem === undefined ? yes(url.href) : no(problem);
}

/** Schemes without a host. */
const hostless: ReadonlySet<string> = new Set(['mailto', 'tel', 'data', 'urn']);

/** The URL standard reads the host of these as it stands: it must be one in plain spelling, like any other. */
function otherUrl(text: string, scheme: string, role: UrlRole): Judged {
  const authority = /^[^:]*:\/\/([^/?#]*)/.exec(text)?.[1];
  if (authority === undefined)
    return hostless.has(scheme) && role.hosts.length === 0 ? yes(text) : no('must name a host');
  const host = canonicalHost(authority.replace(/:\d*$/, ''));
  if (host === undefined) return no('must name its host in one plain spelling');
  const problem = hostProblem(host, role);
  return problem === undefined ? yes(text) : no(problem);
}

function hostOf(text: string, role: Extract<ArgumentRole, { role: 'host' }>): Judged {
  const host = canonicalHost(text);
  if (host === undefined) return no('must be a host in one plain spelling');
  const problem = hostProblem(host, role);
  return problem === undefined ? yes(host) : no(problem);
}

type DateRole = Extract<ArgumentRole, { role: 'date' }>;

/** RFC 3339, or a date alone, which counts from its beginning in UTC. */
const dateFormat = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d))?$/;

function dateWithin(text: string, { after, before }: DateRole, now: number): Judged {
  const at = dateFormat.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
  // JavaScript rolls some days over into the next month.
  if (Number.isNaN(at) || !isDay(text.slice(0, 10))) return no('must be a date or a time with its zone (RFC 3339)');
  if (after !== undefined && at < momentAt(after, now)) return no(`must not be before ${dayOf(momentAt(after, now))}`);
  if (before !== undefined && at > momentAt(before, now))
    return no(`must not be after ${dayOf(momentAt(before, now))}`);
  return yes(text);
}

function isDay(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && dayOf(at) === text;
}

function momentAt(moment: Moment, now: number): number {
  return 'at' in moment ? moment.at : now + moment.fromNow;
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function limited(value: Json, { min, max, clamp }: Extract<ArgumentRole, { role: 'limit' }>): Judged {
  const number = plainNumber(value);
  if (typeof number !== 'number') return no('must be a number');
  if (max !== undefined && number > max) return clamp ? yes(max) : no(`must be at most ${max}`);
  if (min !== undefined && number < min) return clamp ? yes(min) : no(`must be at least ${min}`);
  return yes(value);
}
