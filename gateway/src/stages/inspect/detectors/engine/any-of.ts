/** Whether one of several short words stands in a text: a look at two characters tells for most places that none does. */

const hashOf = (first: number, second: number): number => ((first * 131) ^ second) & 0xffff;

/** @param words two characters or more, in lower case. */
export function anyOf(words: readonly string[]): (text: string) => boolean {
  const lists: string[][] = [[]];
  /** By hash of two characters: which list of words begins with them. */
  const starts = new Uint8Array(0x1_0000);
  for (const word of words) {
    const start = hashOf(word.charCodeAt(0), word.charCodeAt(1));
    if (starts[start] === 0) starts[start] = lists.push([]) - 1;
    lists[starts[start] as number]?.push(word);
  }
  return (text) => {
    let next = text.charCodeAt(0);
    for (let at = 1; at < text.length; at++) {
      const code = next;
      next = text.charCodeAt(at);
      const list = starts[hashOf(code, next)] as number;
      if (list === 0) continue;
      for (const word of lists[list] as string[]) if (text.startsWith(word, at - 1)) return true;
    }
    return false;
  };
}
