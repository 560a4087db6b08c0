/** Arguments and results with every value replaced by what kind of value it was. The names of members stay. */
import { type Json, nearest, readOwnJson } from '../../../protocol/json.ts';

/** `text` is JSON that the gateway wrote itself. */
export function redacted(text: string): string {
  if (text === '') return '';
  return JSON.stringify(shape(nearest(readOwnJson(text))));
}

function shape(value: Json): Json {
  if (typeof value === 'string') return `[text of ${value.length}]`;
  if (typeof value === 'number') return '[number]';
  if (typeof value === 'boolean') return '[boolean]';
  if (value === null) return null;
  if (Array.isArray(value)) return (value as readonly Json[]).map(shape);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shape(member)]));
}
