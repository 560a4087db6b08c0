/** HTML in the one spelling that every parser reads alike; everything else is refused, so that nothing has to be repaired. */

export interface HtmlRule {
  readonly elements: readonly string[];
  readonly attributes: readonly string[];
  readonly schemes: readonly string[];
}

const maxDepth = 64;
/** `<name a="b">`, `</name>`, or text. Sticky: each match begins where the last one ended. */
const piece =
  /<(\/?)([a-z][a-z0-9]{0,31})((?: [a-z][a-z0-9-]{0,31}="[^"<>&\0]{0,2048}"){0,16}) ?\/?>|[^<>\0]{1,65536}/gy;
const attribute = / ([a-z][a-z0-9-]{0,31})="([^"]*)"/g;
const alone: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'wbr']);
/** Attributes whose value is a URL (HTML standard, 4). */
const urls: ReadonlySet<string> = new Set([
  'href',
  'src',
  'cite',
  'action',
  'formaction',
  'poster',
  'data',
  'background',
]);

/** Why the text must not be sent; `undefined` when it may. */
export function htmlProblem(text: string, rule: HtmlRule): string | undefined {
  const open: string[] = [];
  piece.lastIndex = 0;
  while (piece.lastIndex < text.length) {
    const match = piece.exec(text);
    if (match === null) return 'must be plain HTML: elements in lower case, attributes in double quotes';
    const [, slash, name, attributes = ''] = match;
    if (name === undefined) continue;
    if (!rule.elements.includes(name)) return `must hold no element but ${rule.elements.join(', ')}`;
    const problem = attributesProblem(attributes, rule);
    if (problem !== undefined) return problem;
    if (slash === '/') {
      if (attributes !== '' || open.pop() !== name) return 'must close its elements in their order';
    } else if (!alone.has(name)) open.push(name);
    if (open.length > maxDepth) return `must not be deeper than ${maxDepth} elements`;
  }
  return open.length === 0 ? undefined : 'must close its elements in their order';
}

function attributesProblem(text: string, { attributes, schemes }: HtmlRule): string | undefined {
  for (const [, name = '', value = ''] of text.matchAll(attribute)) {
    if (!attributes.includes(name)) return `must hold no attribute but ${attributes.join(', ') || 'none'}`;
    const scheme = /^([a-z][a-z0-9+.-]*):/.exec(value)?.[1];
    // Readers skip blanks and control characters in front of a scheme, and in it.
    if (urls.has(name) && (scheme === undefined || !schemes.includes(scheme) || /[\s\p{Cc}]/u.test(value)))
      return `must link to ${schemes.map((each) => `${each}:`).join(' or ')} only`;
    if (!urls.has(name) && /^\s*(?:javascript|data|vbscript)\s*:/i.test(value)) return 'must hold no program';
  }
  return undefined;
}
