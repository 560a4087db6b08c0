/** Text of others on a page: escaped for HTML, and with a visible mark for each character that is not what it looks like. */

const special = /[&<>"']/g;

/** Runs of one character that is not seen, or not seen as what it is: controls, what is ignored, odd spaces, other looks. */
const unseen =
  // oxlint-disable-next-line no-control-regex -- these are what it is about
  /([\0-\x09\x0b-\x1f\x7f-\xa0\u2800\ufffc]|\p{Default_Ignorable_Code_Point}|\p{Cf}|\p{Co}|\p{Cn}|\p{Cs}|\p{Zl}|\p{Zp}|(?! )\p{Zs}|[\u{1d400}-\u{1d7ff}\u{ff01}-\u{ff5e}])\1*/gu;
const word = /\p{L}+/gu;
const latin = /[A-Za-z]/;
const lookAlike = /([\p{Script=Cyrillic}\p{Script=Greek}])\1*/gu;

/** Marks on one page; a text with more cannot be drawn so that a person could read it. */
export const maxMarks = 2_000;

/** HTML in which the text is whole, and looks like itself; undefined where it cannot be drawn. Linear in its length. */
export function shownHtml(text: string): string | undefined {
  let marks = 0;
  const parts: string[] = [];
  let last = 0;
  const mark = (run: string, from: number): void => {
    parts.push(plain(text.slice(last, from)), markOf(run));
    last = from + run.length;
    marks++;
  };
  const found = [...runsIn(text)].toSorted((a, b) => a.from - b.from);
  for (const { run, from } of found) {
    if (marks >= maxMarks) return undefined;
    if (from >= last) mark(run, from);
  }
  parts.push(plain(text.slice(last)));
  return parts.join('');
}

interface Run {
  readonly run: string;
  readonly from: number;
}

/** At most a few more than can be drawn. */
function* runsIn(text: string): Generator<Run> {
  let count = 0;
  for (const { 0: run, index } of text.matchAll(unseen)) {
    if (count++ > maxMarks) return;
    yield { run, from: index };
  }
  for (const { 0: letters, index } of text.matchAll(word)) {
    // Letters of another script within a word of this one.
    if (!latin.test(letters)) continue;
    for (const { 0: run, index: at } of letters.matchAll(lookAlike)) {
      if (count++ > maxMarks) return;
      yield { run, from: index + at };
    }
  }
}

function plain(text: string): string {
  return text.replace(special, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** `U+200B`, as people look it up, and how often it stands there. */
function markOf(run: string): string {
  const [letter = ''] = run;
  const code = (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const times = run.length / letter.length;
  const name = `${/\p{L}/u.test(letter) && !/\p{Default_Ignorable_Code_Point}/u.test(letter) ? `${letter} ` : ''}U+${code}${times > 1 ? ` × ${times}` : ''}`;
  return `<mark title="${name}">${name}</mark>`;
}
