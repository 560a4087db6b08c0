/**
 * Takes secrets out of what a client's file says. What stands there itself goes to the secret store; what stands elsewhere
 * (`${env:X}`, `${input:x}`) becomes a reference to a variable, which the operator has to set.
 */
import { isSecretByShape, secretInWord, secretsInUrl } from '../../config/secret-shapes.ts';
import { type Expanded, expand, type Surroundings } from './placeholders.ts';

export interface Taken {
  /** Values by the name under which the secret store is to keep them. */
  readonly secrets: Map<string, string>;
  /** Variables that must be set, each with where it is used. */
  readonly variables: Map<string, string>;
  readonly notes: string[];
}

const secretWord =
  /token|secret|passw(?:or)?d|pwd|credential|auth|cookie|(?:^|[-_.])key$|(?:api|access|private)[-_]?key/i;
/** Long texts that mix letters and digits without a space or a slash: more is taken for a secret here than `check` does. */
const randomShape = /^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+_=-]{24,}$/;
const harmless = /^(?:true|false|on|off|yes|no|none|\d{1,8}|https?:\/\/[^@]*)$/i;

export interface Place {
  readonly server: string;
  /** `env`, `header`, `argument`, `query parameter`. */
  readonly what: string;
  readonly key: string;
}

/** What has been taken so far, and what the values are read in. */
export interface Taking {
  readonly taken: Taken;
  readonly around: Surroundings;
}

/** One value, ready for the file of the gateway; `undefined` when only the client could say what it is. */
export function takeValue(value: string, place: Place, taking: Taking): string | undefined {
  const expanded = expandAt(value, place, taking);
  if (expanded === undefined) return undefined;
  const { text, literal } = expanded;
  if (!literal) return text;
  const scheme = /^(?:Bearer|Basic|Token) /i.exec(text)?.[0] ?? '';
  const bare = text.slice(scheme.length);
  const isNamed = secretWord.test(place.key) && !harmless.test(bare);
  if (bare === '' || !(isNamed || scheme !== '' || randomShape.test(bare) || isSecretByShape(bare))) return text;
  return scheme + keep(bare, place, taking);
}

/** The words of a command. */
export function takeWords(words: readonly string[], server: string, taking: Taking): readonly string[] | undefined {
  const done = words.map((word, index): string | undefined => {
    const place = { server, what: 'argument', key: String(index) };
    const expanded = expandAt(word, place, taking);
    if (expanded === undefined || !expanded.literal) return expanded?.text;
    const { text } = expanded;
    const found = secretInWord(text, words[index - 1]);
    if (found !== undefined)
      return (
        text.slice(0, found.start) + keep(text.slice(found.start), { ...place, key: found.name || place.key }, taking)
      );
    if (index > 0 && /^https?:\/\//.test(text)) return takeUrl(text, server, taking);
    return index > 0 && (randomShape.test(text) || isSecretByShape(text)) ? keep(text, place, taking) : text;
  });
  return done.every((word) => word !== undefined) ? done : undefined;
}

/** A URL without what its query or its user part holds. */
export function takeUrl(text: string, server: string, taking: Taking): string | undefined {
  const expanded = expandAt(text, { server, what: 'url', key: 'url' }, taking);
  if (expanded === undefined || !URL.canParse(expanded.text)) return undefined;
  let url = expanded.text;
  for (const name of new Set(secretsInUrl(url))) {
    if (name === 'user') {
      taking.taken.notes.push(
        `the user name and password in the URL of ${server} are left out: use headers or credential`,
      );
      url = url.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1');
      continue;
    }
    url = url.replace(
      new RegExp(`([?&]${name.replace(/[^\w-]/g, '\\$&')}=)([^&#]*)`, 'g'),
      (_whole, head: string, value: string) =>
        head + keep(decoded(value), { server, what: 'query parameter', key: name }, taking),
    );
  }
  return url;
}

/** Of a query; as it stands there where it is no proper encoding. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // Malformed: the server gets it as it is written.
    return value;
  }
}

function expandAt(value: string, place: Place, taking: Taking): Expanded | undefined {
  const where = `${place.what} ${place.key} of ${place.server}`;
  const expanded = expand(value, taking.around);
  if (!expanded.ok) {
    taking.taken.notes.push(`${where} uses ${expanded.unknown}, which only the client can fill in`);
    return undefined;
  }
  for (const variable of expanded.variables) taking.taken.variables.set(variable, where);
  for (const note of expanded.notes) taking.taken.notes.push(`${where}: ${note}`);
  return expanded;
}

function keep(value: string, { server, key }: Place, { taken }: Taking): string {
  const base = `${server}-${/^\d+$/.test(key) ? `argument-${key}` : key}`
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 58)
    .replace(/[^a-z0-9]+$/, '');
  let name = base || 'secret';
  for (let count = 2; taken.secrets.has(name) && taken.secrets.get(name) !== value; count++) name = `${base}-${count}`;
  taken.secrets.set(name, value);
  return `\${secret:${name}}`;
}
