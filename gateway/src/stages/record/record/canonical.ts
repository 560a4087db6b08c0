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
  // What is in order already is serialised canonically by the language itself (section 3.2.2), in half the time.
  return isOrdered(value) ? JSON.stringify(value) : spelled(value);
}

function isOrdered(value: Plain): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'boolean') return true;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe whole number`);
    return true;
  }
  if (Array.isArray(value)) return (value as readonly Plain[]).every(isOrdered);
  const members = value as PlainObject;
  let last = '';
  for (const key of Object.keys(members)) {
    const member = members[key];
    if (member === undefined) continue;
    if (key < last || !isOrdered(member)) return false;
    last = key;
  }
  return true;
}

function spelled(value: Plain): string {
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (Array.isArray(value)) return `[${(value as readonly Plain[]).map(canonical).join(',')}]`;
  const members = value as PlainObject;
  return `{${Object.keys(members)
    .toSorted()
    .flatMap((key) => {
      const member = members[key];
      return member === undefined ? [] : [`${JSON.stringify(key)}:${canonical(member)}`];
    })
    .join(',')}}`;
}
