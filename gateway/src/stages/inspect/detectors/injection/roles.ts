/** Marks of chat templates, and frames of tools, in text that should have none. */
import type { Matcher } from '../detector.ts';
import { triedTwice } from '../engine/view.ts';
import { isSpokenOf, matchesWithin, standsWithin, windowOf } from './context.ts';
import { firstOf } from './lexicon.ts';
import { strongRisk } from './vocabulary.ts';

/** Tokens that models are trained to obey: they have no other use. */
const marks = [
  '<|im_start|>',
  '<|im_end|>',
  '<|system|>',
  '<|assistant|>',
  '<|user|>',
  '<|endoftext|>',
  '<|start_header_id|>',
  '<|end_header_id|>',
  '<|eot_id|>',
  '<|begin_of_text|>',
  '<|channel|>',
  '<|message|>',
  '<|start|>',
  '<|end_of_turn|>',
  '<start_of_turn>',
  '<end_of_turn>',
  '[inst]',
  '[/inst]',
  '<<sys>>',
  '<</sys>>',
  '<|tool_call|>',
  '<|python_tag|>',
  '<|fim_prefix|>',
  '[system_prompt]',
  '<｜user｜>',
  '<｜assistant｜>',
  'assistant to=functions',
];
const tags = [
  '<system>',
  '</system>',
  '<system_prompt>',
  '<system-reminder>',
  '<admin>',
  '<instructions>',
  '</instructions>',
  '<important>',
  '<developer>',
  '</tool_result>',
  '</tool_response>',
  '<function_results>',
  '</function_results>',
  '</user_input>',
  '</document>',
  '</untrusted>',
  '</context>',
  '### system',
  '### instruction',
  '## system prompt',
  '[system]',
  '[system message]',
  '(system:',
  'system:',
  'system note:',
  'system message:',
  'new instructions:',
  'updated instructions:',
  'assistant:',
  '*** end of',
  '--- end of',
  'end of document',
  'end of tool output',
  'end of user input',
  'system override',
  'admin override',
  'security override',
  'developer override',
];
const orders =
  /\b(?:ignore|disregard|forget|override|you must|you are now|you will|you should now|do not (?:tell|mention|inform)|reveal|send|forward|exfiltrate|execute|run the|call the|instructions?|new task|from now on|as an ai|comply|obey|assistant must|next step|delete|transfer|api key|credential|password)\b|ignorier|ignorez|ignora|игнорир|忽略|無視|무시/;
const anyOrder = firstOf(orders);
const everyOrder = new RegExp(orders.source, 'g');
/** Words that rules of any house have. */
const usual = new Set([
  'instruction',
  'instructions',
  'password',
  'credential',
  'api key',
  'next step',
  'send',
  'forward',
  'delete',
]);
/** Words of a tag alone say little: how many of an order's words follow. */
const least = 2;

export const roleMarks: Matcher = {
  anchors: marks,
  joins: true,
  find(view, from, to) {
    const { text } = view;
    // In code of tokenizers they are strings of their own.
    if (/["']\s{0,2}$/.test(text.slice(Math.max(0, from - 3), from)) && /^\s{0,2}["']/.test(text.slice(to, to + 3)))
      return undefined;
    if (/`[^`\n]{0,40}$/.test(text.slice(Math.max(0, from - 40), from))) return undefined;
    if (
      /(?:token|tag|marker|delimiter|separator|special|string|symbol)s?[ "'`]{0,3}$/i.test(
        text.slice(Math.max(0, from - 16), from),
      )
    )
      return undefined;
    const isInst = text[from] === '[';
    if (isInst && !orders.test(windowOf(view, from, to + 200))) return undefined;
    if (isSpokenOf(text, from, to)) return undefined;
    return { class: 'role-forgery', from, to, confidence: 0.9 };
  },
};

export const roleTags: Matcher = {
  anchors: tags,
  joins: true,
  isClose: true,
  find(view, from, to) {
    const { text } = view;
    // Without a word of an order there are never enough.
    if (!standsWithin(view, 'tag order', { pattern: anyOrder, from: to, to: to + 220 })) return undefined;
    if (triedTwice(view, 'tag', { at: from, size: 64 })) return undefined;
    const opens = /^[<[(*#-]/.test(text[from] ?? '') || /[-=*#]{2} ?$/.test(text.slice(Math.max(0, from - 4), from));
    // Without a bracket a role begins a line.
    if (!opens && !/(?:^|\n|\\n)[\s>*_]{0,4}$/.test(text.slice(Math.max(0, from - 8), from))) return undefined;
    const place = { from: to, to: to + 220 };
    const words = new Set(matchesWithin(view, 'tag orders', { pattern: everyOrder, ...place }).map(({ word }) => word));
    const isUsual = [...words].every((word) => usual.has(word));
    const missing = least - words.size + (isUsual && !opens ? 1 : 0);
    if (missing > 1 || (missing === 1 && !standsWithin(view, 'tag risk', { pattern: strongRisk, ...place })))
      return undefined;
    if (isSpokenOf(text, from, to)) return undefined;
    return { class: 'role-forgery', from, to, confidence: 0.75 };
  },
};
