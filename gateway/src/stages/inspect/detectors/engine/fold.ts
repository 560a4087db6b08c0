/** Characters without case and accents, one code unit for one: what anchors and words are compared by. */

const accented = 0x2000;

/** Letters with a stroke, and the i without a dot, which Unicode does not take apart. */
const stroked = new Map(
  Array.from('łlŁløoØođdĐdħhŧtıi'.matchAll(/../g), ([pair]) => [pair.charCodeAt(0), pair.charCodeAt(1)]),
);

function folded(code: number): number {
  const plainLetter = stroked.get(code);
  if (plainLetter !== undefined) return plainLetter;
  const lower = String.fromCharCode(code).toLowerCase();
  const plain = code < accented ? lower.normalize('NFD') : lower;
  return plain.charCodeAt(0);
}

/** The folded code unit of each code unit. */
export const foldOf: Uint16Array = Uint16Array.from({ length: 0x1_0000 }, (_, code) =>
  code >= 0xd800 && code < 0xe000 ? code : folded(code),
);

export function fold(text: string): string {
  let out = '';
  for (const sign of text.normalize('NFC')) {
    const code = foldOf[sign.charCodeAt(0)] ?? 0;
    out += sign.length === 1 ? String.fromCharCode(code) : sign;
  }
  return out;
}
