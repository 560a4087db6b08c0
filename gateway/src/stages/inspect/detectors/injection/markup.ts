/** Text that a page hides from its reader and that speaks to a model. */
import type { Matcher } from '../detector.ts';
import { triedTwice } from '../engine/view.ts';
import { anyName, isOrderTo, nameIn } from './addressed.ts';
import { isSpokenOf, standsWithin, windowOf } from './context.ts';
import { firstOf } from './lexicon.ts';

const openings = [
  '<!--',
  'display:none',
  'display: none',
  'font-size:0',
  'font-size: 0',
  'font-size:1px',
  'font-size: 1px',
  'visibility:hidden',
  'visibility: hidden',
  'opacity:0',
  'opacity: 0',
  'color:white',
  'color: white',
  'color:#fff',
  'color: #fff',
  'color:transparent',
  'left:-9999',
  'left: -9999',
  'text-indent:-9999',
  '[//]: #',
  '[comment]: #',
  '<details hidden',
  'aria-hidden="true"',
  ' hidden>',
];
/** Members that hold text which no reader looks at, and are short. */
const attributes = [
  ' alt="',
  " alt='",
  ' title="',
  ' content="',
  'aria-label="',
  'type="hidden" value="',
  '<desc>',
  '<noscript>',
  '<script type="text/',
  'summary: "',
  'description: "',
];
const override =
  /(?:ignore|disregard|forget) (?:all |any |the |your )*(?:previous|prior|above|earlier) (?:instruction|prompt|rule)|ignorier\w* (?:alle )?(?:vorherigen|bisherigen)|ignorez les (?:instructions|consignes)|игнорируи|忽略(?:之前|以上|前面)/;

const speaks = firstOf(anyName, override);

export const hiddenMarkup: Matcher = {
  anchors: [...openings, ...attributes],
  joins: true,
  isClose: true,
  find(view, from, to) {
    const { text } = view;
    if (!standsWithin(view, 'markup', { pattern: speaks, from: to, to: to + 600 })) return undefined;
    // What is looked at reaches further than this.
    if (triedTwice(view, 'markup', { at: from, size: 256 })) return undefined;
    const end = endOf(text, from, to);
    if (end - to < 20) return undefined;
    const last = Math.min(end, to + 600);
    const name = nameIn(view, to, last);
    const isOrder =
      (name !== undefined && isOrderTo(view, { ...name, strict: false })) || override.test(windowOf(view, to, last));
    if (!isOrder || isSpokenOf(text, from, to) || isQuoted(text, from)) return undefined;
    return { class: 'hidden-markup', from, to: end, confidence: 0.75 };
  },
};

function isQuoted(text: string, from: number): boolean {
  return /\b(?:hide|hides|hidden|attackers?|attack|test|fixture)\b[^\n]{0,60}$/i.test(
    text.slice(Math.max(0, from - 80), from),
  );
}

const maxHidden = 2_000;

function endOf(text: string, from: number, to: number): number {
  const quote = text[to - 1];
  const close = text.startsWith('<!--', from)
    ? '-->'
    : text[from] === '['
      ? '\n'
      : (quote === '"' || quote === "'") && text[to - 2] === '='
        ? quote
        : '</';
  const at = text.slice(to, to + maxHidden).indexOf(close);
  return at < 0 ? Math.min(text.length, to + 600) : to + at + (close === '-->' ? 3 : 0);
}
