/** Orders written so that a search for words does not see them: digits for letters, gaps, backwards, rot13, codes. */
import type { Matcher } from '../detector.ts';
import { isSpent, triedTwice } from '../engine/view.ts';
import { isSpokenOf, windowOf } from './context.ts';

const order =
  /(?:ignore|disregard|forget|override|bypass)(?:the|all|any|every|of|your|my|these|those|and){0,4}(?:previous|prior|above|earlier|preceding|former|past|system|original|safety|your)(?:and|or|all|the|system|safety){0,3}(?:instruction|rule|prompt|guideline|direction|directive|command|order|message|context|restriction)|donottelltheuser|(?:reveal|print|show|output|repeat)(?:me|the|your|all){0,3}(?:systemprompt|initialinstructions|hiddeninstructions)|youarenow(?:dan|unrestricted|jailbroken|indevelopermode)/;

const squeezed = (text: string): string => text.toLowerCase().replace(/[^a-z]/g, '');

const digits: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '@': 'a',
  $: 's',
  '!': 'i',
  '|': 'i',
};

function fromLeet(text: string): string {
  return text.replace(/[0134578@$!|]/g, (sign) => digits[sign] ?? sign);
}

const rot13 = (text: string): string =>
  text.replace(/[a-z]/gi, (sign) => {
    const base = sign <= 'Z' ? 65 : 97;
    return String.fromCharCode(((sign.charCodeAt(0) - base + 13) % 26) + base);
  });

/** Of letters, which are all that is looked at. */
function backwards(text: string): string {
  let turned = '';
  for (let at = text.length - 1; at >= 0; at--) turned += text[at];
  return turned;
}

const fromCodes = (text: string): string =>
  (text.match(/\b\d{2,3}\b/g) ?? []).map((code) => String.fromCharCode(Number(code))).join('');

const fromQuoted = (text: string): string =>
  text.replace(/=([0-9A-F]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** Every spelling of a word with at least one of its letters as a digit. */
function leetOf(word: string): readonly string[] {
  const letters: Readonly<Record<string, string>> = { i: '1', o: '0', e: '3', a: '4', s: '5', t: '7' };
  let spellings = [''];
  for (const sign of word) {
    const other = letters[sign];
    spellings = spellings.flatMap((start) => (other === undefined ? [start + sign] : [start + sign, start + other]));
  }
  return spellings.filter((spelling) => spelling !== word);
}

const apart = (word: string): readonly string[] => [' ', '.', '-', '_'].map((gap) => word.split('').join(gap));

interface Disguise {
  readonly name: string;
  readonly anchors: readonly string[];
  readonly before: number;
  readonly after: number;
  readonly read: (text: string) => string;
}

const verbs = ['ignore', 'disregard', 'forget', 'override', 'bypass', 'reveal'];
const disguises: readonly Disguise[] = [
  {
    name: 'leet',
    anchors: [...verbs, 'previ', 'instru', 'prompt'].flatMap(leetOf),
    before: 60,
    after: 80,
    read: fromLeet,
  },
  {
    name: 'gaps',
    anchors: [...verbs, 'system', 'previous'].flatMap(apart),
    before: 40,
    after: 140,
    read: (text) => text,
  },
  {
    name: 'backwards',
    anchors: ['snoitcurtsni', 'erongi', 'dragersid', 'tpmorp', 'tegrof', 'noitcurtsni'],
    before: 90,
    after: 90,
    read: backwards,
  },
  {
    name: 'rot13',
    anchors: ['vtaber', 'vafgehpgvba', 'qvfertneq', 'cerivbhf', 'flfgrz cebzcg', 'sbetrg nyy'],
    before: 60,
    after: 90,
    read: rot13,
  },
  {
    name: 'codes',
    anchors: ['fromcharcode(', 'chr(', '105,103,110', '105, 103, 110', '73,103,110', '73, 103, 110', '105 103 110'],
    before: 0,
    after: 400,
    read: fromCodes,
  },
  {
    name: 'quoted',
    anchors: ['=20all=20', '=20previous', '=20instructions', '=20your=20'],
    before: 80,
    after: 80,
    read: fromQuoted,
  },
  {
    name: 'split',
    anchors: [
      '**no**',
      'ig**',
      '**nore',
      'dis**',
      '**regard',
      'for**get',
      'previous</',
      'ignore<',
      'all</',
      'instru**',
      'pre**',
    ],
    before: 60,
    after: 120,
    read: (text) => (text.includes('>') ? text.replace(/<[^<>]{0,40}>/g, '') : text),
  },
];

const stretchChars = 256;
/** Of reading a stretch, in characters that are looked at closely. */
const stretchCost = 1_536;
/** Characters of the longest anchor. */
const maxAnchor = 32;

const matcherOf = ({ name, anchors, before, after, read }: Disguise, stretchOf: string): Matcher => ({
  anchors,
  joins: true,
  isClose: true,
  find(view, from, to) {
    const holds = (first: number, last: number): boolean =>
      order.test(squeezed(read(name === 'split' ? view.text.slice(first, last) : windowOf(view, first, last))));
    // Where a whole stretch holds none, nothing in it does: it is read once, however many anchors are there.
    const stretch = Math.floor(from / stretchChars) * stretchChars;
    const known = view.tries.get(stretchOf);
    const last = stretch + stretchChars + maxAnchor + after;
    if (known?.to !== stretch && isSpent(view, stretchCost, from)) return undefined;
    const mayHold = known?.to === stretch ? known.count > 0 : holds(Math.max(0, stretch - before), last);
    if (known?.to !== stretch) view.tries.set(stretchOf, { to: stretch, count: mayHold ? 1 : 0 });
    if (!mayHold || triedTwice(view, `disguise ${name}`, { at: from, size: 64 })) return undefined;
    if (!holds(Math.max(0, from - before), to + after) || isSpokenOf(view.text, from, to)) return undefined;
    return { class: 'disguised-order', from, to: Math.min(view.text.length, to + 40), confidence: 0.85 };
  },
});

export const disguised: readonly Matcher[] = disguises.map((each) => matcherOf(each, `stretch ${each.name}`));
