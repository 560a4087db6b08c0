/** What changed between two definitions of one name, named as a person would. */
import { canonical } from '../protocol/canonical.ts';
import { asText, isObject, type Json, type JsonObject } from '../protocol/json.ts';

export interface Change {
  /** JSON pointer into the definition. */
  readonly at: string;
  readonly what: string;
  /** Both texts, where words changed. */
  readonly words?: { readonly before: string; readonly after: string };
  /** It lets callers or the model do, or be told, more than before. */
  readonly isSerious: boolean;
}

const maxChanges = 200;
const maxDepth = 12;

/** In the order of the new definition; at most 200. */
export function changesBetween(before: JsonObject, after: JsonObject): readonly Change[] {
  const changes: Change[] = [];
  compareObjects(before, after, { path: [], changes });
  if (changes.length <= maxChanges) return changes;
  // What matters most comes first, and what is left out is said.
  const sorted = changes.toSorted((a, b) => Number(b.isSerious) - Number(a.isSerious));
  const more = { at: '', what: `and ${changes.length - maxChanges} more changes`, isSerious: true };
  return [...sorted.slice(0, maxChanges), more];
}

/** Changes that are looked for at all. */
const maxFound = 20_000;

function isListOfTexts(value: Json | undefined): boolean {
  if (value === undefined || typeof value === 'string') return true;
  return Array.isArray(value) && (value as readonly Json[]).every((each) => typeof each === 'string');
}

interface At {
  readonly path: readonly string[];
  readonly changes: Change[];
}

function add({ path, changes }: At, what: string, more: Partial<Change> = {}): void {
  const at = path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  if (changes.length < maxFound) changes.push({ at, what, isSerious: false, ...more });
}

function compareObjects(before: JsonObject, after: JsonObject, at: At): void {
  for (const name of new Set([...Object.keys(after), ...Object.keys(before)])) {
    const [old, now] = [before[name], after[name]];
    if (old !== undefined && now !== undefined && canonical(old) === canonical(now)) continue;
    compare(old, now, { ...at, path: [...at.path, name] });
  }
}

/** Members whose values are named by the server: arguments, and results. */
function isArgument(path: readonly string[]): boolean {
  return path.at(-2) === 'properties';
}

function compare(old: Json | undefined, now: Json | undefined, at: At): void {
  const name = at.path.at(-1) ?? '';
  if (isArgument(at.path) && (old === undefined || now === undefined)) return argument(old, now, at);
  if (['required', 'enum', 'type'].includes(name) && isListOfTexts(old) && isListOfTexts(now))
    return list(name, old, now, at);
  if (typeof old === 'string' && typeof now === 'string')
    return add(at, `${name} changed`, { words: { before: old, after: now }, isSerious: isShown(name) });
  if (old === undefined)
    return add(at, `${name} is new`, {
      isSerious: isShown(name) || at.path.includes('_meta') || at.path.includes('annotations'),
      ...(typeof now === 'string' && { words: { before: '', after: now } }),
    });
  if (now === undefined)
    return add(at, `${name} is gone`, {
      isSerious: isConstraint(name),
      ...(typeof old === 'string' && { words: { before: old, after: '' } }),
    });
  if (isObject(old) && isObject(now) && at.path.length < maxDepth) return compareObjects(old, now, at);
  if (Array.isArray(old) && Array.isArray(now) && at.path.length < maxDepth) {
    const [a, b] = [old as readonly Json[], now as readonly Json[]];
    for (let index = 0; index < Math.max(a.length, b.length); index++)
      if (
        a[index] === undefined ||
        b[index] === undefined ||
        canonical(a[index] ?? null) !== canonical(b[index] ?? null)
      )
        compare(a[index], b[index], { ...at, path: [...at.path, String(index)] });
    return;
  }
  add(at, `${name}: ${short(old)} → ${short(now)}`, {
    isSerious: at.path.includes('annotations') || isConstraint(name) || at.path.length >= maxDepth,
  });
}

/** What models read. */
function isShown(name: string): boolean {
  return ['description', 'title', 'name', 'instructions', 'default', 'const', '$comment', 'examples'].includes(name);
}

/** What held values within bounds. */
function isConstraint(name: string): boolean {
  return /^(?:max|min|pattern|format|const|additional|multipleOf|unique|exclusive|not$)/.test(name);
}

function argument(old: Json | undefined, now: Json | undefined, at: At): void {
  const name = at.path.at(-1) ?? '';
  if (now === undefined) return add(at, `argument ${name} is gone`);
  const schema = isObject(now) ? now : {};
  const isFree =
    schema.type === 'string' &&
    schema.enum === undefined &&
    schema.pattern === undefined &&
    schema.format === undefined;
  const description = asText(schema.description);
  add(at, `new argument ${name}${isFree ? ', any text' : ''}`, {
    isSerious: true,
    ...(description !== '' && { words: { before: '', after: description } }),
  });
}

function list(name: string, old: Json | undefined, now: Json | undefined, at: At): void {
  const [before, after] = [textsIn(old), textsIn(now)];
  const added = after.filter((each) => !before.includes(each));
  const removed = before.filter((each) => !after.includes(each));
  const what = { required: 'required argument', enum: 'value', type: 'type' }[name] ?? name;
  for (const each of added) add(at, `new ${what} ${each}`, { isSerious: true });
  for (const each of removed)
    add(at, name === 'required' ? `argument ${each} is optional now` : `${what} ${each} is gone`, {
      isSerious: name === 'type',
    });
}

function textsIn(value: Json | undefined): readonly string[] {
  if (value === undefined) return [];
  const all = Array.isArray(value) ? (value as readonly Json[]) : [value];
  return all.map((each) => (typeof each === 'string' ? each : short(each)));
}

function short(value: Json | undefined): string {
  const text = JSON.stringify(value ?? null);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
