/** Names of tools and prompts, in which `*` stands for any characters. */

/** A function that tells whether a name matches. Takes time linear in the name for each `*`. */
export function namePattern(pattern: string): (name: string) => boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return (name) => name === pattern;
  return (name) => {
    if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
    const end = name.length - tail.length;
    let from = head.length;
    // The earliest place for each part leaves the most room for the next one.
    for (const part of rest) {
      const at = name.indexOf(part, from);
      if (at === -1 || at + part.length > end) return false;
      from = at + part.length;
    }
    return true;
  };
}

export function isWildcard(pattern: string): boolean {
  return pattern.includes('*');
}
