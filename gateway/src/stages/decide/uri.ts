/**
 * URIs of resources (RFC 3986), normalised so that equal means equal. What two readers could take for different
 * resources is refused: dot segments, encoded slashes, double encoding, user names, backslashes, control characters.
 */

export interface Uri {
  readonly scheme: string;
  /** Lower-case host with its port; `undefined` where the URI has no `//`. */
  readonly authority: string | undefined;
  /** The path begins with a slash. */
  readonly rooted: boolean;
  readonly segments: readonly string[];
  readonly query: string | undefined;
  readonly fragment: string | undefined;
}

export type UriFault =
  | 'too long'
  | 'not a URI'
  | 'has a user name'
  | 'has no host'
  | 'ends with white space'
  | 'has a dot segment'
  | 'has an encoded slash'
  | 'is encoded twice'
  | 'is not well encoded'
  | 'has a control character or backslash';

export type UriResult = { readonly ok: true; readonly uri: Uri } | { readonly ok: false; readonly fault: UriFault };

export const maxUriLength = 8192;

/** RFC 3986, appendix B. */
const shape = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/;

/** The five parts of a URI or pattern, as written. */
export function splitUri(text: string): readonly (string | undefined)[] | undefined {
  return shape.exec(text)?.slice(1);
}

export function parseUri(text: string): UriResult {
  if (text.length > maxUriLength) return { ok: false, fault: 'too long' };
  const parts = splitUri(text);
  if (parts === undefined)
    return { ok: false, fault: isClean(text) ? 'not a URI' : 'has a control character or backslash' };
  const [scheme = '', rawAuthority, path = '', rawQuery, rawFragment] = parts;
  // Many parsers cut it off (WHATWG URL, section 4.4), so this would be another resource to us and the same to a server.
  if (text !== text.trim())
    return { ok: false, fault: isClean(text) ? 'ends with white space' : 'has a control character or backslash' };
  if (rawAuthority?.includes('@') === true) return { ok: false, fault: 'has a user name' };
  const lower = scheme.toLowerCase();
  const cleaned: string[] = [];
  for (const segment of path.split('/')) {
    const clean = normalise(segment, 'segment');
    if (!clean.ok) return clean;
    if (isDotSegment(clean.text)) return { ok: false, fault: 'has a dot segment' };
    cleaned.push(clean.text);
  }
  const written = optional(rawAuthority, 'authority');
  if (!written.ok) return written;
  const authority = authorityOf(lower, written.text);
  if (!authority.ok) return authority;
  const query = optional(rawQuery, 'tail');
  if (!query.ok) return query;
  const fragment = optional(rawFragment, 'tail');
  if (!fragment.ok) return fragment;
  const rooted = path.startsWith('/');
  return {
    ok: true,
    uri: {
      scheme: lower,
      authority: authority.text,
      rooted,
      segments: rooted ? cleaned.slice(1) : path === '' ? [] : cleaned,
      query: query.text,
      fragment: fragment.text,
    },
  };
}

/** Where every program reads the many spellings of a host and its port as one (WHATWG URL, special schemes). */
/** A Map: the key is text of a client, and every object has a member `constructor`. */
const webPorts: ReadonlyMap<string, string> = new Map([
  ['ftp', ':21'],
  ['http', ':80'],
  ['https', ':443'],
  ['ws', ':80'],
  ['wss', ':443'],
]);

/** What a name, an address and a port are made of (RFC 3986, 3.2.2). A URL of the web takes other characters as well. */
const webHost = /^[a-z0-9._~!$&'()*+,;=:[\]-]+$/;

/**
 * Hosts do not tell cases apart, and some ports and hosts say nothing (RFC 3986 section 6.2.3, RFC 8089). `{name}` in the
 * authority of a pattern or template stays as it is.
 */
export function authorityOf(scheme: string, authority: string | undefined): Optional {
  if (scheme === 'file') {
    const host = lowered(authority ?? '');
    return { ok: true, text: host === 'localhost' ? '' : host };
  }
  const standard = webPorts.get(scheme);
  if (standard !== undefined && authority?.includes('{') !== true) {
    // `https:///host`, `https:host` and `https:/host` are all the host to a browser, so none of them may pass unread.
    const host = authority === undefined ? undefined : URL.parse(`${scheme}://${authority}`)?.host;
    const named = host?.replace(/\.(?=:|$)/, '');
    // `https://.` is the root of all names, and names have no empty part (RFC 1035, 2.3.1).
    if (named === undefined || /(?:^|\.)(?:[.:]|$)/.test(named) || !webHost.test(named))
      return { ok: false, fault: 'has no host' };
    return { ok: true, text: named };
  }
  const lower =
    authority === undefined
      ? undefined
      : lowered(authority)
          .replace(/:+$/, '')
          .replace(/:0+(?=\d+$)/, ':');
  if (lower === undefined || standard === undefined || !lower.endsWith(standard)) return { ok: true, text: lower };
  return { ok: true, text: lower.slice(0, -standard.length) };
}

/** In lower case but for percent codes, which are written in upper case everywhere. */
function lowered(authority: string): string {
  return authority.toLowerCase().replace(/%[0-9a-f]{2}/g, (code) => code.toUpperCase());
}

/** `..;x` as well: some servers cut off what follows the semicolon before they resolve the dots. */
export function isDotSegment(segment: string): boolean {
  return /^\.{1,2}(?:;|$)/.test(segment);
}

function isClean(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x5c) return false;
  }
  return text.isWellFormed();
}

type Normalised = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: UriFault };
type Optional =
  | { readonly ok: true; readonly text: string | undefined }
  | { readonly ok: false; readonly fault: UriFault };

type PartKind = 'authority' | 'segment' | 'tail';

function optional(text: string | undefined, kind: PartKind): Optional {
  return text === undefined ? { ok: true, text } : normalise(text, kind);
}

const plainText = /^[A-Za-z0-9._~!$&'()*+,;=:@-]*$/;
const unreserved = /[A-Za-z0-9._~-]/;
/** Within a segment the other characters that may stand there mean the same plain and encoded: `a:b` and `a%3Ab`. */
const plainInSegment = /[A-Za-z0-9._~!$&'()*+,;=:@-]/;

/** One spelling for one text: what may be plain is plain, everything else upper-case percent codes of UTF-8. */
export function normalise(text: string, kind: PartKind): Normalised {
  if (plainText.test(text)) return { ok: true, text };
  if (!isClean(text)) return { ok: false, fault: 'has a control character or backslash' };
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return { ok: false, fault: 'is not well encoded' };
  if (kind !== 'tail' && /%(?:2f|5c)/i.test(text)) return { ok: false, fault: 'has an encoded slash' };
  if (/%(?:[01][0-9a-f]|7f|5c)/i.test(text)) return { ok: false, fault: 'has a control character or backslash' };
  const plain = kind === 'segment' ? plainInSegment : unreserved;
  const normal = text
    .replace(/%[0-9A-Fa-f]{2}/g, (code) => {
      const character = String.fromCharCode(Number.parseInt(code.slice(1), 16));
      return plain.test(character) ? character : code.toUpperCase();
    })
    .replace(/[^A-Za-z0-9._~!$&'()*+,;=:@/?%-]/gu, encodeURIComponent);
  // Asked of the normal spelling, as the digits of the inner code may be encoded themselves: `%25%32%65`.
  if (/%25[0-9A-Fa-f]{2}/.test(normal)) return { ok: false, fault: 'is encoded twice' };
  return decode(normal) === undefined ? { ok: false, fault: 'is not well encoded' } : { ok: true, text: normal };
}

/** The text that percent codes stand for, unless they are no UTF-8. */
export function decode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
