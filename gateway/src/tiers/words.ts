/**
 * Names and texts as words. Everything here takes time in proportion to the text, of which no more than a bound is read;
 * accents, widths and hidden characters make no difference.
 */

/** Characters of a name or title, and of a description, that are read. */
export const maxName = 256;
export const maxText = 4_096;

/** The words of a list that is written as a text. */
export function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(/\s+/));
}

export function meets(words: Iterable<string>, set: ReadonlySet<string>): boolean {
  for (const word of words) if (set.has(word)) return true;
  return false;
}

/** Nothing beyond printable ASCII: the usual case, in which there is nothing to fold. */
const plain = /^[\t\n\r -~]*$/;

/** In one spelling: no hidden characters, no accents, full-width letters as narrow ones. Upper case stays. */
export function folded(text: string, max: number): string {
  const cut = text.length > max ? text.slice(0, max) : text;
  if (plain.test(cut)) return cut;
  return cut
    .normalize('NFKC')
    .replace(/[\p{Cf}\u115f\u1160\u3164]/gu, '')
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC');
}

/** The words of a name, in lower case: `getFile_v2`, `get-file v2` and `GetFile.v2` are `get file v 2`. */
export function wordsOfName(name: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let before: Kind = 'other';
  const end = (): void => {
    if (word !== '') words.push(word.toLowerCase());
    word = '';
  };
  for (const char of folded(name, maxName)) {
    const kind = kindOf(char);
    if (kind === 'other') end();
    else {
      // `HTTPServer` is one word: where capitals end is a guess.
      if (kind !== before && !(before === 'upper' && kind === 'lower')) end();
      word += char;
    }
    before = kind;
  }
  end();
  return words;
}

type Kind = 'upper' | 'lower' | 'digit' | 'other';

function kindOf(char: string): Kind {
  const code = char.charCodeAt(0);
  if (code >= 97 && code <= 122) return 'lower';
  if (code >= 65 && code <= 90) return 'upper';
  if (code >= 48 && code <= 57) return 'digit';
  if (code < 128) return 'other';
  if (!/\p{L}/u.test(char)) return 'other';
  return char.toLowerCase() === char ? 'lower' : 'upper';
}

export interface Word {
  readonly word: string;
  /** It begins a clause: at the start of the text or of a sentence, or after a comma, a slash, `and`, `or`, `then`. */
  readonly begins: boolean;
}

const joining = setOf(`and or then also und oder dann et ou puis y o e i и или`);
/** Words that say nothing at the start of a text. */
const idle = setOf(`this the tool tools use used is will can to it that lets you allows allow function operation method
  endpoint api please safely permanently automatically a an primary for also simply quickly recursively
  force forcefully performs perform helps which users user deprecated immediately irreversibly
  completely process processes makes an`);

/** What follows them in a sentence is not done. */
const negations =
  setOf(`not never cannot without don't don’t doesn't doesn’t can't can’t won't nicht ohne nie ne pas sans sin
  nunca sem nao non senza niet zonder nie bez не без`);
const separators: ReadonlySet<string> = new Set('.,;:!?()[]/&\n–—');
const endsSentence: ReadonlySet<string> = new Set(['.', '!', '?', ';', ':', '\n', '(', ')']);

/** The words of a text in lower case, up to its bound. */
export function wordsOfText(text: string): readonly Word[] {
  const words: Word[] = [];
  let begins = true;
  let isNegated = false;
  const read = folded(text, maxText);
  for (let at = 0; at < read.length; ) {
    const from = at;
    while (at < read.length && isLetter(read.charCodeAt(at))) at++;
    if (at === from) {
      const char = read.charAt(at++);
      if (endsSentence.has(char)) isNegated = false;
      begins ||= separators.has(char);
      continue;
    }
    const word = read.slice(from, at).toLowerCase();
    if (joining.has(word)) {
      begins = true;
      continue;
    }
    isNegated ||= negations.has(word);
    words.push({ word, begins: begins && !isNegated });
    // `This tool will delete …` begins with `delete`.
    begins &&= idle.has(word);
  }
  return words;
}

/** Also the apostrophe of `don't`. Half of a letter that needs two units counts as one. */
function isLetter(code: number): boolean {
  if (code < 128) return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 39;
  return code === 0x2019 || (code >= 0xc0 && code < 0x2000) || code >= 0x3040;
}
