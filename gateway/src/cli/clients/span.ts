/** Where a value stands in a text of JSON with comments, so that it can be replaced and nothing else changes. */
import { withoutComments } from './syntax.ts';

export interface Span {
  readonly start: number;
  /** Behind its last character. */
  readonly end: number;
}

const token = /\s*(?:([{}[\]:,])|("(?:[^"\\]|\\.)*")|[^\s{}[\]:,"]+)/y;

/** `undefined` where nothing stands at these keys. The text is one that was read before. */
export function spanOf(text: string, at: readonly string[]): Span | undefined {
  const bare = withoutComments(text);
  const path: (string | undefined)[] = [];
  let key: string | undefined;
  let start: number | undefined;
  let wanted = -1;
  token.lastIndex = bare.charCodeAt(0) === 0xfeff ? 1 : 0;
  for (let found = token.exec(bare); found !== null; found = token.exec(bare)) {
    const [whole, mark, quoted] = found;
    const end = token.lastIndex;
    if (mark === '{' || mark === '[') {
      path.push(key);
      key = undefined;
      if (start === undefined && isAt(path, at)) {
        start = end - 1;
        wanted = path.length;
      }
    } else if (mark === '}' || mark === ']') {
      if (start !== undefined && path.length === wanted) return { start, end };
      path.pop();
      key = undefined;
    } else if (mark === ',') key = undefined;
    else if (quoted !== undefined && key === undefined) key = unquoted(quoted);
    if (whole === '') return undefined;
  }
  return undefined;
}

/** The first entry is the top, which has no key. */
function isAt(path: readonly (string | undefined)[], at: readonly string[]): boolean {
  return path.length === at.length + 1 && at.every((key, index) => path[index + 1] === key);
}

function unquoted(text: string): string {
  return JSON.parse(text) as string;
}
