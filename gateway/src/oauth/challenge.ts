/** What a server says in a 401 or 403 about the tokens that it wants (RFC 6750, 3; RFC 9728, 5.1). Pure. */

export interface BearerChallenge {
  readonly error?: string;
  readonly scopes: readonly string[];
  readonly resourceMetadata?: string;
}

const maxLength = 4_096;
const maxScopes = 128;
/** A scheme, or a parameter of the scheme before it: both may stand in one list (RFC 9110, 11.6.1). */
const item = /[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+)))?/y;

/** The first Bearer challenge of a WWW-Authenticate header; `undefined` when there is none. */
export function bearerChallenge(header: string | undefined): BearerChallenge | undefined {
  if (header === undefined || header.length > maxLength) return undefined;
  const parameters = new Map<string, string>();
  let scheme = '';
  item.lastIndex = 0;
  for (let match = item.exec(header); match !== null; match = item.exec(header)) {
    const [, name = '', quoted, plain] = match;
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) {
      if (scheme === 'bearer') break;
      scheme = name.toLowerCase();
    } else if (scheme === 'bearer' && !parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
  }
  if (scheme !== 'bearer') return undefined;
  const [error, metadata] = [parameters.get('error'), parameters.get('resource_metadata')];
  return {
    scopes: scopesIn(parameters.get('scope')),
    ...(error === undefined ? {} : { error }),
    ...(metadata === undefined ? {} : { resourceMetadata: metadata }),
  };
}

/** Scopes of a text with blanks, each once; what cannot be a scope (RFC 6749, 3.3) is left out. */
export function scopesIn(text: string | undefined): readonly string[] {
  const words = (text ?? '').split(' ').filter((word) => /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(word));
  return [...new Set(words)].slice(0, maxScopes);
}
