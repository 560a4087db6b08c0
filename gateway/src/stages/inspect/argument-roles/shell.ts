/**
 * One simple command of a shell (POSIX.1-2024, XCU 2.9.1): words, single quotes, and double quotes without expansions. What
 * any shell expands, redirects, joins or substitutes is refused.
 */
import { isLike } from './sql/statement.ts';

const maxLength = 8_192;
/** A word of plain characters and quoted pieces. Sticky: each match begins where the last one ended. */
const word = /(?:[A-Za-z0-9_./:@%+,=-]|'[^'\0\n]*'|"[^"\\$`!\0\n]*")+/y;

/** Why the text must not be sent; `undefined` when it may. */
export function shellProblem(text: string, programs: Readonly<Record<string, readonly string[]>>): string | undefined {
  const words = text.length > maxLength ? undefined : wordsOf(text);
  if (words === undefined)
    return 'must be one plain command: words and quotes, without variables, pipes and redirections';
  const [program = '', ...args] = words;
  const patterns = Object.hasOwn(programs, program) ? programs[program] : undefined;
  if (patterns === undefined) return `must run no program but ${Object.keys(programs).join(', ')}`;
  const isAllowed = (arg: string): boolean => patterns.some((pattern) => fits(arg, pattern));
  return args.every(isAllowed) ? undefined : `must give ${program} no argument that is not listed`;
}

/** An option is what begins with a dash: a pattern that does not begin with one allows none. */
function fits(arg: string, pattern: string): boolean {
  return (!arg.startsWith('-') || pattern.startsWith('-')) && isLike(arg, pattern);
}

function wordsOf(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === ' ' || text[at] === '\t') {
      at++;
      continue;
    }
    word.lastIndex = at;
    const found = word.exec(text)?.[0];
    if (found === undefined) return undefined;
    at += found.length;
    // Two words have a blank between them.
    if (at < text.length && text[at] !== ' ' && text[at] !== '\t') return undefined;
    words.push(found.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''));
  }
  // An assignment in front is no program, and changes what one does.
  return words.length === 0 || words[0]?.includes('=') === true ? undefined : words;
}
