/** Orders that are aimed at the model: a verb, what it is about, and whose, close together, in any of the languages. */
import type { Hit, Matcher } from '../detector.ts';
import { fold } from '../engine/fold.ts';
import { triedTwice, type View } from '../engine/view.ts';
import { firstSentences, isSpokenOf, isStart, isWhole, nearest, standsWithin, windowOf } from './context.ts';
import { languages, leak, persona, secrecy } from './languages.ts';
import { type Lexicon, lexicon } from './lexicon.ts';

const reach = 90;
/** Languages whose verb stands at the end. */
const verbLast = new Set(['ja', 'ko', 'tr', 'hi', 'hu', 'fa']);

const overrides: readonly Matcher[] = Object.entries(languages).map(([name, { verbs, which, objects }]) => {
  const tries = `tries ${name}`;
  return {
    anchors: verbs,
    joins: true,
    find(view, from, to) {
      const { text } = view;
      if (!isWhole(text, from, to) || triedTwice(view, tries, { at: from, size: 48 })) return undefined;
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
  };
});

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
  if (/\b(?:my|our|their|his|her|its) /.test(window.slice(0, Math.max(0, window.indexOf(object))))) return false;
  if (
    /^(?: to| about)?(?: of)? (?:what(?:ever)?|everything|anything|all)(?: that)? (?:you|u) (?:were|have been|had been|'ve been|are|know|learned) ?(?:told|asked|given|instructed|taught|trained)?/.test(
      window,
    )
  )
    return true;
  const gap = window.indexOf(object);
  if (
    gap > 60 ||
    !/instruct|rule|prompt|guideline|guidance|direct|command|order|constrain|polic|program|train|restrict|safeguard|guardrail|told|said|everything|context|message|task/.test(
      object,
    )
  )
    return false;
  const strong = matched.some((each) =>
    /previous|prior|above|earlier|preceding|system|original|initial|foregoing|former|developer|safety|everything|whatever|before|up to now|so far|operator|coding|your /.test(
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

const secrets: readonly Matcher[] = secrecy.map(([verbs, person], index) => {
  const words = person.split('|').map(fold);
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
        index === 0 &&
        !/tool|you |this|instruction|assistant|step|file|action|call|send|read|parameter|request|email|message|delet|proceed|admin|access|grant| to /.test(
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

const describing =
  /(?:^| )(?:to|will|can|could|may|not|never|we|it|that|which|function|method|don't|returns?|i|they|he|she|must not|cannot|who|users?|developers?|and how) $/;

/** What is asked for is rarer than verbs that ask, so that it is the anchor. */
const asked = (name: string, rows: readonly (readonly [string, string])[], confidence: number): readonly Matcher[] =>
  rows.map(([whats, openings], row) => {
    const verbs = lexicon(
      openings
        .split('|')
        .map((verb) => `${verb}*`)
        .join('|'),
    );
    return {
      anchors: whats.split('|'),
      joins: true,
      find(view, from, to) {
        if (!isStart(view.text, from) || triedTwice(view, name, { at: from, size: 64 })) return undefined;
        const before = windowOf(view, from - 100, from);
        const after = windowOf(view, to, to + 60);
        const verb = lastOf(verbs, before) ?? (isLater(name, before, after, verbs) ? 0 : undefined);
        // A mode is a mode of programs too, unless something is switched off in it.
        if (name === 'persona' && row === 1 && !freed.test(before + after)) return undefined;
        if (verb === undefined || describing.test(before.slice(0, verb)) || isTold(name, before, after))
          return undefined;
        return hit(view.text, name, { from: Math.max(0, from - 20), to, confidence });
      },
    };
  });

const freed =
  /filter|restrict|polic|limit|\brules?\b|unlock|anything|everything|dump|reveal|uncensor|bypass|obey|without|your config|you are now/;

/** Where the last match begins. */
function lastOf(pattern: Lexicon, text: string): number | undefined {
  let last: number | undefined;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text, found.end)) last = found.index;
  return last;
}

const latinOnly = /^[\0-\u02ff]*$/;

/** Verbs stand after their object in some languages, and after a particle in others. */
function isLater(name: string, before: string, after: string, verbs: Lexicon): boolean {
  const isLatin = latinOnly.test(before.slice(-12) + after.slice(0, 12));
  return !isLatin && verbs.test(after.slice(0, name === 'persona' ? 40 : 24));
}

const aboutAttacks = /jailbreak|attack|injection|classif|detect|guardrail|malicious|red team|benchmark/;

/** What is a part of a program or of a text about such orders. */
function isTold(name: string, before: string, after: string): boolean {
  if (aboutAttacks.test(before + after) && !/\byou\b/.test(before.slice(-60))) return true;
  if (name === 'persona') return false;
  return (
    /^(?:s\b|\(|=|_|\.\w|:? ?(?:is|are|of the (?:app|page|shell)|and the prompt|history|string|template|file|field|parameter|for)\b)/.test(
      after,
    ) ||
    /[(=_.]$/.test(before) ||
    /\b(?:the assistant|it|model) must not\b|cannot|can't|do not|don't|never/.test(before.slice(-50))
  );
}

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
    if (triedTwice(view, 'bait', { at: from, size: 200 })) return undefined;
    const before = windowOf(view, from - 160, from);
    const after = windowOf(view, to, to + 200);
    if (!reading.test(before.slice(-90)) || !passing.test(after) || !aimed.test(before + after)) return undefined;
    return hit(view.text, 'file-bait', { ...wholePath(view.text, from, to), confidence: 0.8 });
  },
};

const maxPath = 64;

/** The path that a bait is a part of. */
function wholePath(text: string, from: number, to: number): { from: number; to: number } {
  const isPath = (at: number): boolean => /[\w./~-]/.test(text[at] ?? ' ');
  let start = from;
  while (start > from - maxPath && start > 0 && isPath(start - 1)) start--;
  let end = to;
  while (end < to + maxPath && isPath(end)) end++;
  return { from: start, to: end };
}

const orders =
  'send|forward|post|upload|email|exfiltrate|transmit|submit|deliver|share|push|leak|sende|schicke|leite|ubermittle|lade|envoie|envoyez|transfere|transferez|transmets|envia|envie|reenvia|reenvie|manda|encaminhe|mande|invia|inoltra|spedisci|stuur|verzend|wyslij|przeslij|отправь|отправьте|перешли|скинь|загрузи|发送|发给|上传|转发|傳送|送信|転送|アップロード|전송|보내|업로드|ارسل|أرسل|gonder|yukle|भेज|gui|kirim|kirimkan'.split(
    '|',
  );
/** What a person has and an attacker wants, and what mail to a colleague does not ask for. */
const cargo = lexicon(
  "conversation*|chat history|chat log*|previous messages|message history|system prompt|all ~credentials|credentials|all ~secrets|passwords|password of|user's password|api key*|all ~emails|all ~messages|all ~files|all ~documents|all ~data|last ~emails|user data|user's ~data|customer data|customer list|customer records|customer database|private ~(|private messages|private files|private keys|private data|private emails|their data|your system|your memory|your api keys|your secrets|environment variables|env file|ssh key*|access token*|session token*|session cookies|full history|full transcript|full contents|contents of the file|content of the file|everything you know|database dump|the database|payroll file|payroll data|payroll list|salaries|inbox|address book|contact list|bank details|card number*|.env|id_rsa|gesprach*|kundendaten|passworter|zugangsdaten|alle ~(|alle e-mails|alle mails|alle nachrichten|alle dateien|alle daten|chatverlauf|toutes les conversations|conversations|mots de passe|toutes les donnees|tous les fichiers|tous les messages|identifiants|mensajes privados|conversaciones|contrasenas|todos los archivos|todos los datos|todos los mensajes|credenciales|senhas|todos os arquivos|todos os dados|dados do usuario|conversas|credenciais|tutte le email|le email|tutti i file|tutti i dati|credenziali|conversazion*|alle bestanden|alle berichten|wachtwoorden|wszystkie pliki|wszystkie wiadomosci|hasla|содержимое|пароли|пароль|все данные|все файлы|все письма|все сообщения|переписк|ключи|聊天记录|密码|所有文件|所有数据|用户数据|凭证|密钥|所有邮件|环境变量|对话|認証情報|パスワード|すべてのファイル|全てのファイル|会話|すべてのメール|環境変数|顧客データ|환경 변수|비밀번호|모든 파일|대화|모든 메일|고객 데이터|자격 증명|جميع الرسائل|كل الرسائل|كلمات المرور|جميع الملفات|المحادث|tum dosyalari|sifre*|tum verileri|tum mesajlari|sohbet gecmisi|सभी फ़ाइल|पासवर्ड|tat ca tep|mat khau|semua file|kata sandi".replaceAll(
    /\|[a-z]+ ~\(/g,
    '',
  ),
);
/** Where it goes to stands behind a preposition, or in languages that have none, anywhere. */
const place =
  /(?:\b(?:to|at|via|through|into|onto|on|with|using|an|auf|nach|a|al|para|per|ao|vers|sur|naar|do|na|ke|toi|den)|на|в|к|إلى|الى|:) ?(?:(?:the|this|my|our|following|url|address|endpoint|webhook|server|e-?mail|adresse|direccion|endereco|indirizzo|адрес) ?){0,4}[:<"'`(]{0,2} ?(?:https?:|[\w.-]{2,64}@|webhook|external|attacker|following)|\bbcc\b/;
const target =
  /https?:\/\/|[\w.-]{2}@[\w-]{2,64}\.\w|webhook|following (?:address|url|email|endpoint)|external|attacker|bcc/;

const exfiltrate: Matcher = {
  anchors: orders,
  joins: true,
  find(view, from, to) {
    if (
      !isWhole(view.text, from, to) ||
      /[-_/.("'`>]/.test((view.text[from - 1] ?? '').replace(/["'`>]/, '') + (view.text[to] ?? ''))
    )
      return undefined;
    if (nearest(view, 'target', { words: targetWords, from: from - 110, within: 290 + to - from }) < 0)
      return undefined;
    if (!standsWithin(view, 'cargo', { pattern: cargo, from: from - 110, to: to + 180 })) return undefined;
    if (triedTwice(view, 'exfiltrate', { at: from, size: 48 })) return undefined;
    const before = windowOf(view, from - 110, from);
    const isVerbLast = !latinOnly.test(view.text.slice(from, to)) || /gonder|yukle/.test(view.text.slice(from, to));
    const window = (isVerbLast ? before : '') + firstSentences(windowOf(view, to, to + 180));
    if (!cargo.test(window) || !target.test(window)) return undefined;
    if (!isVerbLast && !place.test(window)) return undefined;
    if (
      /(?:^| )(?:will|can|to|we|not|never|may|it|that|and|users?|don't|i) $/.test(before.slice(-24)) &&
      !/(?:and|need to|needs to|must|have to|has to|required to|then|you to|sure to) $/.test(before.slice(-24))
    )
      return undefined;
    return hit(view.text, 'exfiltration-order', { from, to: Math.min(view.text.length, to + 60), confidence: 0.8 });
  },
};

/** Of which one stands in all of what `target` matches. */
const targetWords = ['http', '@', 'webhook', 'following', 'external', 'attacker', 'bcc'];

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
    if (triedTwice(view, 'cross-tool', { at: from, size: 128 })) return undefined;
    const window = windowOf(view, to, to + 260);
    if (!/tool|function|server|call|send|email|message/.test(window.slice(0, 120)) || !abuse.test(window))
      return undefined;
    if (!/\b(?:you|must|read|call|send|pass|include|use|add|set|put|forward|fetch|execute|run|always)\b/.test(window))
      return undefined;
    return hit(view.text, 'cross-tool-order', { from, to, confidence: 0.75 });
  },
};

const close: readonly Matcher[] = [
  ...overrides,
  ...asked('prompt-leak', leak, 0.75),
  ...asked('persona', persona, 0.8),
  bait,
  exfiltrate,
  crossTool,
];
export const directives: readonly Matcher[] = [...secrets, ...close.map((each) => ({ ...each, isClose: true }))];
