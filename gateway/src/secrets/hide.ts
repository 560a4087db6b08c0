/** Takes secrets out of text and JSON. */
import type { Json, JsonObject } from '../protocol/json.ts';

const minLength = 8;

/** The same value when nothing had to be hidden. */
export function hideSecrets<Value extends Json | undefined>(value: Value, secrets: readonly string[]): Value {
  const wanted = secrets.filter((secret) => secret.length >= minLength);
  // The longest first: of one that begins with another, the rest would stay.
  wanted.sort((one, other) => other.length - one.length);
  return wanted.length === 0 ? value : (hide(value, wanted) as Value);
}

function hide(value: Json | undefined, secrets: readonly string[]): Json | undefined {
  if (typeof value === 'string') {
    let text = value;
    for (const secret of secrets) if (text.includes(secret)) text = text.replaceAll(secret, '(hidden)');
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
