/** Text of others on a page: escaped for HTML, and with a visible mark for each character that is not what it looks like. */
import { shown } from './shown.ts';

const special = /[&<>"']/g;

/** HTML in which the text is whole, and looks like itself. Linear in its length. */
export function shownHtml(text: string): string {
  return [...runsOf(text)]
    .map(({ isMark, run }) => (isMark ? `<mark title="${name(run)}">${name(run)}</mark>` : plain(run)))
    .join('');
}

function plain(text: string): string {
  return text.replace(special, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** Spaces that are not the space, and letters of other scripts within a word of this one. */
const odd = /[\u00a0\u2000-\u200a\u202f\u205f\u3000\p{M}\u{1d400}-\u{1d7ff}\u{ff01}-\u{ff5e}]/u;
const word = /\p{L}+/gu;
const lookAlike = /[\p{Script=Cyrillic}\p{Script=Greek}]/u;

interface Run {
  readonly isMark: boolean;
  readonly run: string;
}

function* runsOf(text: string): Generator<Run> {
  const foreign = new Set<number>();
  for (const { 0: letters, index } of text.matchAll(word)) {
    if (!/[A-Za-z]/.test(letters) || !lookAlike.test(letters)) continue;
    for (let at = 0; at < letters.length; at++) if (lookAlike.test(letters[at] ?? '')) foreign.add(index + at);
  }
  let run = '';
  let at = 0;
  for (const letter of text) {
    const acts = letter !== '\n' && (shown(letter) !== letter || letter === '\t');
    if (acts || odd.test(letter) || foreign.has(at)) {
      if (run !== '') yield { isMark: false, run };
      run = '';
      yield { isMark: true, run: letter };
    } else run += letter;
    at += letter.length;
  }
  if (run !== '') yield { isMark: false, run };
}

/** U+200B, as people look it up. */
function name(letter: string): string {
  const code = (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return /\p{L}/u.test(letter) ? `${letter} U+${code}` : `U+${code}`;
}
