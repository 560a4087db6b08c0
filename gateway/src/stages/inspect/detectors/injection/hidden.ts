/** Characters that a reader does not see, and sequences that steer a terminal. Emoji, joiners of scripts and RTL text pass. */
import type { Hit, Matcher } from '../detector.ts';

const runs =
  // oxlint-disable-next-line no-misleading-character-class, no-control-regex -- each of them is meant by itself
  /[\u{e0000}-\u{e007f}]+|[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]+|[\u200b-\u200d\u2060-\u2064\ufeff\u180e]+|[\u202a-\u202e\u2066-\u2069]|[\u115f\u1160\u3164\uffa0\u00ad\u034f\ufff9-\ufffb\u17b4\u17b5]+|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)?|\x1b\[[0-?]{0,24}[@-~]|[\x80-\x9f]+|\x08+/gu;
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;
const joining = /[\u0600-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1800-\u18af]/;
const pictured = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\u20e3\ufe0f*#0-9]/u;
const word = /[A-Za-z0-9]/;
/** Runs that are told apart. As many fill the list of findings, which is told. */
const maxHits = 1_000;

export const hiddenText: Matcher = {
  shapes: ['unusual'],
  joins: false,
  find({ text, kind }): readonly Hit[] | undefined {
    // An escape in a program is there to be read.
    if (kind !== 'sent') return undefined;
    const hits: Hit[] = [];
    const isRtl = rightToLeft.test(text);
    let single: Hit | undefined;
    let singles = 0;
    for (const match of text.matchAll(runs)) {
      const found = judged(text, match[0], { from: match.index, isRtl });
      if (found === undefined) continue;
      if (found.confidence < 0.5) {
        // Soft hyphens are typography in any number.
        if (match[0] === '\u00ad') continue;
        single ??= found;
        singles++;
        continue;
      }
      hits.push(found);
      if (hits.length >= maxHits) break;
    }
    // One break opportunity is typography; many of them carry bits.
    if (single !== undefined && singles >= 8) hits.push({ ...single, confidence: 0.6 });
    return hits;
  },
};

function judged(text: string, run: string, { from, isRtl }: { from: number; isRtl: boolean }): Hit | undefined {
  const to = from + run.length;
  const hit = (name: string, confidence: number): Hit => ({ class: name, from, to, confidence });
  const code = run.codePointAt(0) ?? 0;
  const length = Array.from(run).length;
  const before = Array.from(text.slice(Math.max(0, from - 2), from)).at(-1) ?? '';
  const after = text.slice(to, to + 2);
  if (code >= 0xe0000 && code <= 0xe007f)
    return text.endsWith('\u{1f3f4}', from) && length <= 7 ? undefined : hit('hidden-tags', 0.97);
  if ((code >= 0xfe00 && code <= 0xfe0f) || (code >= 0xe0100 && code <= 0xe01ef))
    return length >= 2 || (code > 0xffff && word.test(before))
      ? hit('hidden-selectors', length >= 4 ? 0.95 : 0.7)
      : undefined;
  if (code >= 0x202a && code <= 0x2069 && (code <= 0x202e || code >= 0x2066))
    return code === 0x202e || code === 0x202d
      ? hit('bidi-override', isRtl ? 0.5 : 0.9)
      : isRtl
        ? undefined
        : hit('bidi-override', 0.6);
  if (code === 0x1b) return terminal(run, hit);
  if (code === 8) return length >= 2 ? hit('terminal-escape', 0.7) : undefined;
  if (code >= 0x80 && code <= 0x9f) return run === '\x9b' || run === '\x9d' ? hit('terminal-escape', 0.7) : undefined;
  if (isJoiner(run, before, after) || (code === 0xfeff && from === 0 && length === 1)) return undefined;
  const isFunction = code >= 0x2061 && code <= 0x2064 && length === 1;
  if (length >= 3) return hit('zero-width', length >= 8 ? 0.95 : 0.8);
  if (code === 0xad || code === 0x200b)
    return hit('zero-width', word.test(before) && word.test(after) && code !== 0xad ? 0.45 : 0.3);
  return hit('zero-width', word.test(before) && word.test(after[0] ?? '') && !isFunction ? 0.6 : 0.4);
}

/** ZWJ between pictures, ZWNJ and ZWJ in scripts whose letters join. */
function isJoiner(run: string, before: string, after: string): boolean {
  return (
    (run === '\u200d' || run === '\u200c') &&
    ((pictured.test(before) && !word.test(before)) || joining.test(before) || joining.test(after))
  );
}

/** Links, the clipboard, concealed text and a cursor that goes back; colours pass. */
function terminal(run: string, hit: (name: string, confidence: number) => Hit): Hit | undefined {
  // oxlint-disable-next-line no-control-regex -- the sequence of a terminal
  if (/^\x1b\](?:8|52|0|2|50|1337)?;?/.test(run) && run.startsWith('\x1b]'))
    // oxlint-disable-next-line no-control-regex -- the sequence of a terminal
    return hit('terminal-escape', /^\x1b\](?:52|50|1337)/.test(run) ? 0.95 : 0.7);
  // oxlint-disable-next-line no-control-regex -- the sequence of a terminal
  if (/^\x1b\[(?:\d+;)*8(?:;\d+)*m$/.test(run)) return hit('terminal-escape', 0.95);
  return /[HfABDFJ]$/.test(run) ? hit('terminal-escape', 0.6) : undefined;
}
