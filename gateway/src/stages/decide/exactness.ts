/**
 * What a condition may look at: values that are exact and small enough to be looked through quickly. A value that is
 * not makes the condition fail to evaluate, which opens nothing.
 */

const maxItems = 1_000;
/** Smaller where every entry is looked at in turn, perhaps in another list: 250 by 250 takes about a millisecond. */
const maxItemsInLoops = 250;
const maxValues = 10_000;
const maxText = 1024 ** 2;
const maxTextInLoops = 64 * 1024;

/** A problem with the value at a path of the arguments, or `undefined`. */
export function unfit(
  args: unknown,
  steps: readonly string[],
  { loops }: { readonly loops: boolean },
): string | undefined {
  let value = args;
  // The first step is the variable itself.
  for (let index = 1; index < steps.length; index++) {
    const step = steps[index] ?? '';
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return undefined;
  const most = loops ? { text: maxTextInLoops, items: maxItemsInLoops } : { text: maxText, items: maxItems };
  return survey(value, most, { left: maxValues });
}

function survey(value: unknown, most: { text: number; items: number }, budget: { left: number }): string | undefined {
  if (--budget.left < 0) return 'holds too many values to be looked through';
  if (typeof value === 'string')
    return value.length > most.text ? 'is too long a text to be looked through' : undefined;
  if (value === undefined) return 'is a number that cannot be compared exactly';
  if (typeof value !== 'object' || value === null) return undefined;
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  if (members.length > most.items) return `has more than ${most.items} entries`;
  for (const member of members) {
    const problem = survey(member, most, budget);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
