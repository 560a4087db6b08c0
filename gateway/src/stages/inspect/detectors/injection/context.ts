/** What an order stands in: documentation about attacks talks of them in quotes and as examples. */
import { fold } from '../engine/fold.ts';

const talk =
  /\b(?:example|e\.g|such as|phrases? like|attack(?:er|s|ers)?\b|injection|jailbreak|malicious|detect|adversar|payload|pattern|regex|blocklist|classifier|test ?case|sample|says?:?|reads?:?|for instance|would be|might (?:say|write|contain)|contain(?:s|ing)|tries to|trying to|attempts? to|scanner|guardrail|beispiel|angriff|exemple|attaque|ejemplo|ataque|exemplo|esempio|attacco|пример|атак|инъекц)|例如|攻击|注入|示例|攻撃|インジェクション|例えば|예를 들어|공격/i;
const quote = /["'`“”„«»「『]/;
const reach = 140;

/** Whether the text speaks of an order instead of giving it: a word of such talk, and a quote or code around the order. */
export function isSpokenOf(text: string, from: number, to: number): boolean {
  const before = text.slice(Math.max(0, from - reach), from);
  const after = text.slice(to, to + 60);
  if (!talk.test(fold(before)) && !talk.test(before) && !/\b(?:attack|injection|example)/i.test(after)) return false;
  const near = before.slice(-40);
  return (
    quote.test(near) ||
    /```[^`]{0,400}$|^\s{0,8}(?:[-*>|#]|\/\/|\d+\.)/m.test(text.slice(Math.max(0, from - 200), from)) ||
    /^\w{0,4}["'`”»」』]/.test(after)
  );
}

export function windowOf(text: string, from: number, to: number): string {
  return fold(text.slice(Math.max(0, from), to).replace(/[\s*_]+/g, ' '));
}

/** A sentence ends: what follows is another thought. */
export function firstSentences(window: string): string {
  const end = window.search(/[.!?。！？]\s?[^.!?。！？]{40,}[.!?。！？]/);
  return end < 0 ? window : window.slice(0, end + 1);
}

export function hasAny(text: string, words: readonly string[]): boolean {
  return words.some((word) => text.includes(word));
}

const letter = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Arabic}]/u;

/** Whether an anchor is a word of its own; scripts without spaces have no such words. */
export function isWhole(text: string, from: number, to: number): boolean {
  return (
    !(letter.test(text[from] ?? '') && letter.test(text[from - 1] ?? '')) &&
    !(letter.test(text[to - 1] ?? '') && letter.test(text[to] ?? ''))
  );
}
