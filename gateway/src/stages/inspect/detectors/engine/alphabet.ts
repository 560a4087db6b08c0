/** The alphabets that formats are written in, and how far a run of one reaches. */

/** One bit for each alphabet: the letters are those of patterns such as `ghp_{w:36}`. */
export const alphabets = {
  /** 0-9 */
  d: 1,
  /** 0-9 a-f */
  h: 2,
  /** 0-9 a-f A-F */
  H: 4,
  /** 0-9 a-z */
  l: 8,
  /** 0-9 A-Z */
  u: 16,
  /** 0-9 a-z A-Z */
  a: 32,
  /** a and _ */
  w: 64,
  /** a, _ and - : base64url */
  b: 128,
  /** a, + / = : base64 */
  B: 256,
  /** b and . */
  t: 512,
  /** A-Z 2-7 */
  c: 1024,
  /** a-z */
  z: 2048,
  /** 1-9 a-z A-Z without I, O, l: base58 */
  k: 4096,
  /** b, B and . ~ */
  x: 8192,
} as const;

export type Alphabet = keyof typeof alphabets;

const digits = '0123456789';
const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const members: Readonly<Record<Alphabet, string>> = {
  d: digits,
  h: `${digits}abcdef`,
  H: `${digits}abcdefABCDEF`,
  l: digits + lower,
  u: digits + upper,
  a: digits + lower + upper,
  w: `${digits}${lower}${upper}_`,
  b: `${digits}${lower}${upper}_-`,
  B: `${digits}${lower}${upper}+/=`,
  t: `${digits}${lower}${upper}_-.`,
  c: `${upper}234567`,
  z: lower,
  k: (digits + lower + upper).replace(/[0IOl]/g, ''),
  x: `${digits}${lower}${upper}_-+/=.~`,
};

const masks = new Uint16Array(0x1_0000);
for (const name of Object.keys(alphabets) as Alphabet[])
  for (const sign of members[name]) masks[sign.charCodeAt(0)] = (masks[sign.charCodeAt(0)] ?? 0) | alphabets[name];

export function isIn(code: number, alphabet: Alphabet): boolean {
  return ((masks[code] ?? 0) & alphabets[alphabet]) !== 0;
}

const names = Object.keys(alphabets) as Alphabet[];
const places: Readonly<Record<string, number>> = Object.fromEntries(names.map((name, at) => [name, 2 * at]));

/** The last run of each alphabet in one text: runs that overlap are walked once, however many anchors stand in them. */
export type Runs = Int32Array;

export const noRuns = (): Runs => new Int32Array(2 * names.length);

/** Where the run of an alphabet ends that begins at `from` or before it; `from` itself where there is none. */
export function runEnd(view: { readonly text: string; readonly runs: Runs }, alphabet: Alphabet, from: number): number {
  const { text, runs } = view;
  const place = places[alphabet] as number;
  const last = runs[place + 1] as number;
  if (from < last && from >= (runs[place] as number)) return last;
  const mask = alphabets[alphabet];
  let to = from;
  while (to < text.length && ((masks[text.charCodeAt(to)] as number) & mask) !== 0) to++;
  runs[place] = from;
  runs[place + 1] = to;
  return to;
}
