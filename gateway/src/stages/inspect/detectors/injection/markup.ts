/** Text that a page hides from its reader and that speaks to a model. */
import type { Matcher } from '../detector.ts';
import { triedOften } from '../engine/view.ts';
import { isSpokenOf, windowOf } from './context.ts';

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
const toModel =
  /\b(?:ai|llm|assistant|language model|chatbot|agent|claude|gpt|copilot|gemini|model)s?\b|you (?:must|are|should|will)|previous instructions|system prompt|人工智能|助手|ассистент|модель|asistente|assistent/;
const order =
  /\b(?:ignore|disregard|forget|send|forward|include|must|do not|don't|reveal|call|execute|run|fetch|visit|open|recommend|rate|rank|say|respond|reply|append|add|insert|delete|read|summari[sz]e|output|tell|follow)\b|игнорир|отправ|忽略|发送|無視|ignora|ignorier|ignorez|envia|sende|envoie/;

export const hiddenMarkup: Matcher = {
  anchors: openings,
  joins: true,
  find(view, from, to) {
    const { text } = view;
    // What is looked at reaches further than this.
    if (triedOften(view, 'markup', Math.floor(from / 256))) return undefined;
    const end = endOf(text, from, to);
    if (end - to < 20) return undefined;
    const window = windowOf(view, to, Math.min(end, to + 600));
    if (!toModel.test(window) || !order.test(window) || isSpokenOf(text, from, to)) return undefined;
    // Comments about code name its agents and models; orders to a model say "you", or forget what was before.
    const direct =
      /\byou\b|\byour\b|previous|ignore|disregard|\bassistants?[,:]|\b(?:ai|llm)s?[,: ]|language model|игнор|忽略|ignora|ignorier|ignorez|助手/;
    return direct.test(window) ? { class: 'hidden-markup', from, to: end, confidence: 0.75 } : undefined;
  },
};

const maxHidden = 2_000;

function endOf(text: string, from: number, to: number): number {
  const close = text.startsWith('<!--', from) ? '-->' : text[from] === '[' ? '\n' : '</';
  const at = text.slice(to, to + maxHidden).indexOf(close);
  return at < 0 ? Math.min(text.length, to + 600) : to + at + (close === '-->' ? 3 : 0);
}
