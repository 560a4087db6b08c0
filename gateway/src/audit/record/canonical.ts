/**
 * RFC 8785 canonical JSON for what public parts are made of: objects, lists, text, safe whole numbers and booleans.
 * Fractions and null do not occur, so number formatting (section 3.2.2.3) needs no more than `String`.
 */
export type Plain = string | number | boolean | readonly Plain[] | PlainObject;
export interface PlainObject {
  readonly [key: string]: Plain | undefined;
}

/** Members that are `undefined` are left out. Keys are sorted by UTF-16 code units (section 3.2.3). */
export function canonical(value: Plain): string {
  if (typeof value === 'string') return JSON.stringify(value.isWellFormed() ? value : value.toWellFormed());
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe whole number`);
    return value === 0 ? '0' : String(value);
  }
  if (Array.isArray(value)) return `[${(value as readonly Plain[]).map(canonical).join(',')}]`;
  const members = value as PlainObject;
  let text = '{';
  for (const key of Object.keys(members).toSorted()) {
    const member = members[key];
    if (member === undefined) continue;
    text += `${text.length > 1 ? ',' : ''}${quoted(key)}:${canonical(member)}`;
  }
  return `${text}}`;
}

const names = new Map<string, string>();

/** Names of members are few. */
function quoted(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = JSON.stringify(name);
  if (names.size < 1_000) names.set(name, text);
  return text;
}
