/** Takes secrets out of text and JSON, in time that is linear in the text whatever the secrets are. */
import type { Json, JsonObject } from '../protocol/json.ts';

const minLength = 8;
/** Characters of a secret that are searched for natively: no text makes the search for so few slow. */
const probeLength = 16;
/** Places at which the probe is found and the secret is not, before the search goes on without it. */
const maxMisses = 1_000;

/** The same value when nothing had to be hidden. Secrets shorter than eight characters are not looked for. */
export function hideSecrets<Value extends Json | undefined>(value: Value, secrets: readonly string[]): Value {
  const wanted = secrets.filter((secret) => secret.length >= minLength);
  // The longest first: of one that begins with another, the rest would stay.
  wanted.sort((one, other) => other.length - one.length);
  return wanted.length === 0 ? value : (hide(value, wanted) as Value);
}

/**
 * The secret as it is, in a URL (with and without its slashes encoded, in a path and in a form, hexadecimal digits of either
 * case), and within a JSON text that is itself a text (with and without its slashes escaped).
 */
export function spellingsOf(secret: string): readonly string[] {
  if (!secret.isWellFormed()) return [secret];
  const encoded = encodeURIComponent(secret);
  const inUrl = [encoded, encoded.replaceAll('%2F', '/'), encoded.replaceAll('%20', '+')];
  const small = inUrl.map((text) => text.replaceAll(/%[0-9A-F]{2}/g, (sign) => sign.toLowerCase()));
  const inJson = JSON.stringify(secret).slice(1, -1);
  return [...new Set([secret, ...inUrl, ...small, inJson, inJson.replaceAll('/', '\\/')])];
}

function hide(value: Json | undefined, secrets: readonly string[]): Json | undefined {
  if (typeof value === 'string') {
    let text = value;
    for (const secret of secrets) if (text.length >= secret.length) text = without(text, secret);
    return text;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item) => hide(item, secrets) ?? null);
    return items.every((item, index) => item === (value as readonly Json[])[index]) ? value : items;
  }
  let changed: Record<string, Json> | undefined;
  for (const [name, member] of Object.entries(value as JsonObject)) {
    const hidden = hide(member, secrets) ?? null;
    const named = hide(name, secrets) as string;
    if (hidden === member && named === name) continue;
    changed ??= { ...(value as JsonObject) };
    if (named !== name) delete changed[name];
    changed[named] = hidden;
  }
  return changed ?? value;
}

function without(text: string, secret: string): string {
  let found = find(text, secret, 0);
  if (found === -1) return text;
  const parts: string[] = [];
  let from = 0;
  while (found !== -1) {
    parts.push(text.slice(from, found));
    from = found + secret.length;
    found = find(text, secret, from);
  }
  parts.push(text.slice(from));
  return parts.join('(hidden)');
}

/** As `indexOf`, which takes the product of both lengths for a secret that a server has chosen to be like its text. */
function find(text: string, secret: string, from: number): number {
  if (secret.length <= probeLength) return text.indexOf(secret, from);
  const probe = secret.slice(0, probeLength);
  let misses = 0;
  for (let at = text.indexOf(probe, from); at !== -1; at = text.indexOf(probe, at + 1)) {
    if (text.startsWith(secret, at)) return at;
    if (++misses === maxMisses) return findByPrefixes(text, secret, at);
  }
  return -1;
}

/** The search of Knuth, Morris and Pratt: each character of the text is looked at once. */
function findByPrefixes(text: string, secret: string, from: number): number {
  const borders = bordersOf(secret);
  let matched = 0;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    while (matched > 0 && secret.charCodeAt(matched) !== code) matched = borders[matched - 1] ?? 0;
    if (secret.charCodeAt(matched) === code) matched++;
    if (matched === secret.length) return at - secret.length + 1;
  }
  return -1;
}

/** For each beginning of a text: how long its longest end is that is a beginning as well. */
function bordersOf(text: string): Int32Array {
  const borders = new Int32Array(text.length);
  let matched = 0;
  for (let at = 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    while (matched > 0 && text.charCodeAt(matched) !== code) matched = borders[matched - 1] ?? 0;
    if (text.charCodeAt(matched) === code) matched++;
    borders[at] = matched;
  }
  return borders;
}
