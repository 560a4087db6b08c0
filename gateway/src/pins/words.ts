/** The difference between two texts, word by word, for people. */

export type WordChange = readonly ['same' | 'removed' | 'added', string];

/** Words of each text that are compared; of what is longer, the beginning. */
const maxWords = 2_000;

export function wordChanges(before: string, after: string): readonly WordChange[] {
  const [a, b] = [wordsOf(before), wordsOf(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const middle = aligned(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return merged([
    ...a.slice(0, start).map((word) => ['same', word] as const),
    ...middle,
    ...a.slice(a.length - end).map((word) => ['same', word] as const),
  ]);
}

/** Words with the white space behind them, and single signs. */
function wordsOf(text: string): readonly string[] {
  return (text.match(/[\p{L}\p{N}_]+\s*|[^\p{L}\p{N}_]/gu) ?? []).slice(0, maxWords);
}

/** By the longest common subsequence. */
function aligned(a: readonly string[], b: readonly string[]): readonly WordChange[] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const changes: WordChange[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      changes.push(['same', a[i] ?? '']);
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) changes.push(['removed', a[i++] ?? '']);
    else changes.push(['added', b[j++] ?? '']);
  }
  return changes;
}

/** Neighbours of one kind are one. */
function merged(changes: readonly WordChange[]): readonly WordChange[] {
  const out: [WordChange[0], string][] = [];
  for (const [kind, text] of changes) {
    const last = out.at(-1);
    if (last?.[0] === kind) last[1] += text;
    else out.push([kind, text]);
  }
  return out;
}
