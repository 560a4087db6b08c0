/** Orders that are aimed at the model: a verb, what it is about, and whose, close together, in any of the languages. */
import type { Hit, Matcher } from '../detector.ts';
import { triedOften, type View } from '../engine/view.ts';
import { firstSentences, isSpokenOf, isWhole, nearest, windowOf } from './context.ts';
import { languages, leak, persona, secrecy } from './languages.ts';

const reach = 90;
/** Languages whose verb stands at the end. */
const verbLast = new Set(['ja', 'ko', 'tr', 'hi']);

const overrides: readonly Matcher[] = Object.entries(languages).map(([name, { verbs, which, objects }]) => ({
  anchors: verbs,
  joins: true,
  find(view, from, to) {
    const { text } = view;
    if (!isWhole(text, from, to)) return undefined;
    const isLast = verbLast.has(name);
    const place = isLast ? { from: from - reach, within: reach + 30 } : { from: to, within: reach };
    if (nearest(view, `override ${name}`, { words: objects, ...place }) < 0) return undefined;
    const window = isLast ? windowOf(view, from - reach, to + 20) : firstSentences(windowOf(view, to, to + reach));
    const object = objects.find((each) => (name === 'en' ? begins(window, each) : window.includes(each)));
    if (object === undefined) return undefined;
    const rest = window.slice(0, Math.min(window.length, window.indexOf(object) + 60));
    const matched = which.filter((each) => rest.includes(each) && each !== object);
    if (matched.length === 0 || !isOrder({ name, window, object, matched, before: windowOf(view, from - 40, from) }))
      return undefined;
    return hit(view.text, 'override', {
      from,
      to: to + (isLast ? 0 : endOf(view, to, object)),
      confidence: 0.9,
    });
  },
}));

/** Whether a word of the window begins so. */
function begins(window: string, start: string): boolean {
  const at = window.indexOf(start);
  return at >= 0 && !/[a-z0-9]/.test(window[at - 1] ?? ' ');
}

/** In English the verbs are words of programs and manuals too: they need rules of before, or those of a model. */
function isOrder(order: {
  name: string;
  window: string;
  object: string;
  matched: readonly string[];
  before: string;
}): boolean {
  const { name, window, object, matched, before } = order;
  // "You can ignore", "will be ignored by", "to ignore": a description.
  if (
    /(?:^| )(?:can|may|could|should not|will|would|to|we|they|not|it|that|which|users?|if you|options?|lets? you|safely|must not|cannot|don't|never) $/.test(
      before,
    ) &&
    name === 'en' &&
    !/(?:need|want|have|instructed|asked|required|told|order|must|you are) to $|you (?:must|should|will) $/.test(before)
  )
    return false;
  if (name !== 'en') return true;
  const gap = window.indexOf(object);
  if (
    gap > 60 ||
    !/instruct|rule|prompt|guideline|direct|command|order|constrain|polic|program|train|restrict|safeguard|guardrail|told|said|everything|context|message|task/.test(
      object,
    )
  )
    return false;
  const strong = matched.some((each) =>
    /previous|prior|above|earlier|preceding|system|original|initial|foregoing|former|developer|safety|everything|before|up to now|so far|your /.test(
      each,
    ),
  );
  return (
    strong &&
    (!/^(?:message|task|context|order|command|rule|direct|polic|train)/.test(object) ||
      matched.length > 1 ||
      /your|previous|prior|earlier/.test(matched.join()))
  );
}

function endOf(view: View, to: number, object: string): number {
  const at = windowOf(view, to, to + reach + 20).indexOf(object);
  return at < 0 ? 0 : at + object.length;
}

function hit(
  text: string,
  name: string,
  { from, to, confidence }: { from: number; to: number; confidence: number },
): Hit | undefined {
  return isSpokenOf(text, from, to) ? undefined : { class: name, from, to, confidence };
}

const secrets: readonly Matcher[] = secrecy.map(([verbs, whom], index) => {
  const words = whom.split('|');
  return {
    anchors: verbs.split('|'),
    joins: true,
    find(view, from, to) {
      if (!isWhole(view.text, from, to)) return undefined;
      if (nearest(view, `secrecy ${index}`, { words, from, within: to - from + 50 }) < 0) return undefined;
      const window = windowOf(view, from, to + 50);
      // Rules of an interface: what is not shown to users. Orders are about what the model does.
      if (
        /show/.test(window.slice(0, 14)) &&
        !/(?:this|these) (?:instruction|message|note|step|action|to)/.test(window)
      )
        return undefined;
      const around = windowOf(view, from - 200, to + 160);
      if (
        !/tool|you |this|instruction|assistant|step|file|action|call|send|read|parameter|request|email|message|dass|que|che|что|这|この|이 |هذا|bu |to /.test(
          around,
        )
      )
        return undefined;
      if (
        /(?:password|stack trace|exception|details of the error|log in|sign-?in|which of|whether the (?:email|account))/.test(
          around,
        )
      )
        return undefined;
      return hit(view.text, 'secrecy', { from, to: Math.min(view.text.length, to + 30), confidence: 0.75 });
    },
  };
});

const pairs = (name: string, rows: readonly (readonly [string, string])[], confidence: number): readonly Matcher[] =>
  rows.map(([openings, whats], index) => {
    const words = whats.split('|');
    return {
      anchors: openings.split('|'),
      joins: true,
      find(view, from, to) {
        if (!isWhole(view.text, from, to) && !view.text.slice(from, to).endsWith(' ')) return undefined;
        const question = { words, from: from - 60, within: 60 + (to - from) + reach };
        if (nearest(view, `${name} ${index}`, question) < 0) return undefined;
        const window = firstSentences(windowOf(view, to, to + reach));
        const word = words.find((each) => window.includes(each));
        const before = windowOf(view, from - 60, from);
        const reversed = /[\u3040-\u30ff\uac00-\ud7a3]/.test(view.text.slice(from, to))
          ? words.find((each) => before.includes(each))
          : undefined;
        if (word === undefined && reversed === undefined) return undefined;
        if (
          name === 'prompt-leak' &&
          (/(?:^| )(?:to|will|can|not|we|it|that|function|method|never|don't|returns?) $/.test(before) ||
            (window.indexOf(word ?? '') > 45 && reversed === undefined))
        )
          return undefined;
        return hit(view.text, name, { from, to: to + endOf(view, to, word ?? ''), confidence });
      },
    };
  });

const baits = [
  '~/.ssh',
  '/.ssh/',
  'id_rsa',
  'id_ed25519',
  '.env file',
  '/.env',
  '`.env`',
  'mcp.json',
  '/etc/passwd',
  '/etc/shadow',
  '.aws/credentials',
  '.cursor/',
  'claude_desktop_config',
  '.git-credentials',
  '.netrc',
  '.kube/config',
  'wallet.dat',
  '.npmrc',
  '.bash_history',
  'cookies.sqlite',
  '/proc/self/environ',
];
const reading =
  /\b(?:read|open|cat|load|include|access|fetch|get|provide|retrieve|copy|attach|extract|dump|collect|list|lies|lis|lisez|lee|leia|leggi)\b|прочитаи|прочитай|读取|读一下|読み|읽/;
const passing =
  /\b(?:pass|send|include|put|append|as (?:the|a|an)|parameter|argument|sidenote|param|post|upload|forward|attach|submit|contents?|field|email|return it|base64|encode)\b|https?:|发送|上传|送信|보내|отправь/;
const aimed =
  /\b(?:you must|you should|you need|always|before (?:using|calling|you)|first|important|assistant|this tool|the tool|otherwise|do not tell|don't tell|without|please|then|required|mandatory|next step|your next|silently|model|agent)\b|必须|模型|助手|必ず|должен|debes|tu dois/;

const bait: Matcher = {
  anchors: baits,
  joins: true,
  find(view, from, to) {
    if (triedOften(view, 'bait', Math.floor(from / 200))) return undefined;
    const before = windowOf(view, from - 160, from);
    const after = windowOf(view, to, to + 200);
    if (!reading.test(before.slice(-90)) || !passing.test(after) || !aimed.test(before + after)) return undefined;
    return hit(view.text, 'file-bait', { from, to, confidence: 0.8 });
  },
};

const orders = [
  'send',
  'forward',
  'post',
  'upload',
  'email',
  'exfiltrate',
  'transmit',
  'submit',
  'deliver',
  'sende',
  'envoie',
  'envia',
  'invia',
  'отправь',
  '发送',
  '发给',
  '送信',
];
const cargo =
  /conversation|chat history|previous messages|message history|system prompt|all (?:the )?(?:credentials|secrets|passwords|api keys|emails|files|documents|user data|customer)|(?:user'?s?|private|personal|their|his|her|your) (?:credentials|secrets|passwords?|api keys?|emails?|files|documents|data|messages|token|keys?|inbox)|environment variables|private keys?|ssh keys?|full (?:contents?|history|transcript)|everything you (?:know|have)|gesprach|conversacion|conversa|historique|conversazione|переписк|разговор|对话|聊天记录|会話/;
/** Of which one stands in all of what `cargo` matches. */
const cargoWords = [
  'conversation',
  'history',
  'messages',
  'prompt',
  'credentials',
  'secrets',
  'password',
  'api key',
  'email',
  'files',
  'documents',
  'data',
  'customer',
  'token',
  'key',
  'inbox',
  'environment',
  'contents',
  'transcript',
  'everything you',
  'gesprach',
  'conversacion',
  'conversa',
  'historique',
  'conversazione',
  'переписк',
  'разговор',
  '对话',
  '聊天记录',
  '会話',
];
const target =
  /https?:\/\/|[\w.]{2,}@[\w-]{2,}\.\w|webhook|following (?:address|url|email|endpoint)|external|attacker|bcc/;

const exfiltrate: Matcher = {
  anchors: orders,
  joins: true,
  find(view, from, to) {
    if (!isWhole(view.text, from, to) || /[-_/.]/.test((view.text[from - 1] ?? '') + (view.text[to] ?? '')))
      return undefined;
    if (nearest(view, 'exfiltrate', { words: cargoWords, from: to, within: 110 }) < 0) return undefined;
    const window = firstSentences(windowOf(view, to, to + 180));
    if (!cargo.test(window.slice(0, 110)) || !target.test(window)) return undefined;
    if (
      /(?:^| )(?:will|can|to|we|not|never|may|it|that|and|users?) $/.test(windowOf(view, from - 24, from)) &&
      !/(?:and|need to|must|have to|then|you to|sure to) $/.test(windowOf(view, from - 24, from))
    )
      return undefined;
    return hit(view.text, 'exfiltration-order', { from, to: Math.min(view.text.length, to + 60), confidence: 0.8 });
  },
};

const moments = [
  'before using',
  'before calling',
  'before you use',
  'before you call',
  'before invoking',
  'before running',
  'prior to using',
  'prior to calling',
  'whenever you use',
  'when using this tool',
  'after using this tool',
  'every time you',
  'each time you call',
  'instead of using',
  'in all subsequent',
  'for all future',
  'any other tool',
  'all other tools',
];
const abuse =
  /\bbcc\b|sidenote|do not (?:tell|mention|inform)|don't (?:tell|mention)|without (?:telling|informing|asking)|~\/\.|\.env\b|id_rsa|credentials?\b|secret|password|api key|attacker|instead (?:send|use|call)|change the recipient|redirect|forward (?:a )?cop|https?:\/\/(?!\S{0,40}(?:docs|example))|conversation|silently/;

const crossTool: Matcher = {
  anchors: moments,
  joins: true,
  find(view, from, to) {
    if (triedOften(view, 'cross-tool', Math.floor(from / 128))) return undefined;
    const window = windowOf(view, to, to + 260);
    if (!/tool|function|server|call|send|email|message/.test(window.slice(0, 120)) || !abuse.test(window))
      return undefined;
    if (!/\b(?:you|must|read|call|send|pass|include|use|add|set|put|forward|fetch|execute|run|always)\b/.test(window))
      return undefined;
    return hit(view.text, 'cross-tool-order', { from, to, confidence: 0.75 });
  },
};

export const directives: readonly Matcher[] = [
  ...overrides,
  ...secrets,
  ...pairs('prompt-leak', leak, 0.75),
  ...pairs('persona', persona, 0.8),
  bait,
  exfiltrate,
  crossTool,
];
