/** A value that is assigned to a telling name: in code, JSON, YAML, environment, flags, headers, XML and prose. */
import type { Hit, Matcher } from '../detector.ts';
import { isIn } from '../engine/alphabet.ts';
import { codeUnitTable } from '../engine/code-units.ts';
import { cellsBelow } from '../engine/columns.ts';
import { fold, foldOf } from '../engine/fold.ts';
import { charge, triedOften, type View } from '../engine/view.ts';
import { isPlaceholder, isRandom, isWordy } from './plausible.ts';
import { mayBeOfVendor, shortestKey, vendorOf } from './vendors.ts';

const passwordNames = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'pwd',
  'passwort',
  'kennwort',
  'contraseña',
  'mot de passe',
  'motdepasse',
  'senha',
  'wachtwoord',
  'пароль',
  '密码',
  '密碼',
  'パスワード',
  '비밀번호',
  'hasło',
  'lösenord',
  'şifre',
  'parola',
];
const keyNames = [
  'secret',
  'token',
  'apikey',
  'api_key',
  'api-key',
  'api key',
  'accesskey',
  'access_key',
  'access-key',
  'authkey',
  'auth_key',
  'privatekey',
  'private_key',
  'private-key',
  'presharedkey',
  'credential',
  'authorization',
  'bearer ',
  'encryption_key',
  'encryptionkey',
  'signing_key',
  'signingkey',
  'license_key',
  'service_key',
  'servicekey',
  'master_key',
  'masterkey',
  'accountkey',
  'account_key',
  'admin_key',
  'adminkey',
  'write_key',
  'hmac_key',
  'app_key',
  'client_key',
  'subscription-key',
  'sessionid',
  'session_id',
  'schlüssel',
  'clave',
  '密钥',
  'ключ',
];
/** Words of names whose value is no secret, though they hold a telling word. */
const harmless =
  /public|tokeni[sz]|max_?tokens?|tokens?_?(?:count|limit|type|url|uri|endpoint|name|id|usage|budget|program|address|expir|lifetime|ttl|hash|symbol|index|length|kind|class|pattern|regex|path|file|env)|(?:next|page|sync|continuation|cursor|progress|cancel\w*|csrf|xsrf|pagination|prev\w*|resume|design|erc\d*|lp|syntax|js|css)[_-]?(?:page)?[_-]?token|key_?id|secret_?(?:name|arn|id|ref|version|manager|path|key_?name|type)|password_?(?:hash|hint|reset|policy|field|input|length|min|max|confirm|label|strength|changed|age|expir|file|env|regex|rule)|hash|checksum|digest|integrity|fingerprint|thumbprint|signature|(?:foreign|primary|cache|partition|sort|idempotency|object|i18n|translation|storage)_?key|etag|nonce|\bsri\b/i;

const passwords = new Set(passwordNames.map(fold));

/** The anchor at a place, as it was found: without case and accents. */
function anchorAt(text: string, { from, to }: { from: number; to: number }): string {
  let anchor = '';
  for (let at = from; at < to; at++) anchor += String.fromCharCode(foldOf[text.charCodeAt(at)] ?? 0);
  return anchor;
}

export const assignment: Matcher = {
  anchors: [...passwordNames, ...keyNames],
  joins: true,
  find(view, from, to) {
    // More names than that in so little text have no values.
    if (triedOften(view, 'name', { to: Math.floor(from / 64), at: from })) return undefined;
    const found = valueAfter(view, { from, to });
    if (found !== undefined)
      return triedOften(view, 'assignment', { to: found.to, at: from }) ? undefined : judged(view, found, { from, to });
    const cells = cellsBelow(view, from);
    if (cells.length === 0) return undefined;
    const name = view.text.slice(from, to);
    return cells
      .map((cell) => judged(view, { ...cell, name, context: name, quoted: true }, { from, to }))
      .filter((hit) => hit !== undefined);
  },
};

export interface Assigned {
  /** The whole name, and a few words before it. */
  readonly name: string;
  readonly context: string;
  readonly from: number;
  readonly to: number;
  readonly quoted: boolean;
}

const maxName = 48;
const maxValue = 1_600;

function isName(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return isIn(code, 't') || code > 0x7f;
}

/** The value that follows a name around `[from, to)`. */
export function valueAfter(view: View, { from, to }: { from: number; to: number }): Assigned | undefined {
  const { text } = view;
  let end = to;
  // Scripts without blanks: what follows is a sentence, not the rest of a name.
  if (text.charCodeAt(to - 1) < 0x2e80) while (end < to + maxName && end < text.length && isName(text, end)) end++;
  if (end >= to + maxName) return undefined;
  // What stands before the name is looked at where it matters only.
  let known: number | undefined;
  const start = (): number => (known ??= nameStart(text, from));
  // A part of a name with colons, as in `arn:…:secret:name`.
  if (text[end] === ':' && text[start() - 1] === ':') return undefined;
  const value = operator(text, end, () => text[to - 1] === ' ' || isSpaced(text, start()));
  const at = value ?? (passwords.has(anchorAt(text, { from, to })) ? behindProse(text, end) : undefined);
  if (at === undefined) return undefined;
  const span = valueSpan(view, at);
  if (span === undefined || span.to - span.from < 6) return undefined;
  return { name: text.slice(start(), end), context: text.slice(Math.max(0, start() - 40), end), ...span };
}

function nameStart(text: string, from: number): number {
  let start = from;
  while (start > 0 && start > from - maxName && isName(text, start - 1)) start--;
  return start;
}

/** A flag, or a word of a file such as `.netrc`: its value stands behind a blank. */
function isSpaced(text: string, start: number): boolean {
  return (
    text.startsWith('--', start) ||
    text.startsWith('set ', start - 4) ||
    text.startsWith('login ', Math.max(0, start - 40)) ||
    /machine\s|login\s/.test(text.slice(Math.max(0, start - 60), start))
  );
}

// Sticky, without nesting or alternatives that begin alike: linear in what they take.
const closing = /\\?["'`]?[\])]?[ \t]{0,4}/y;
const signs =
  /(?:\??: ?[A-Z]?[a-z][\w.<>?[\]]{0,24} ?= ?|===?|:=|=>|->|=|:(?!:)|,(?=[ \t]?\\?["'`])|>|\uff1a|\uff1d|[ \t]?(?:is|lautet|ist|est|es|é|è|jest|это|är):?[ \t](?=\S)|[ \t]?(?:是|为|為|は|이|은|는)[:：]?[ \t]?)/y;
/** The value of a member or attribute of its own: `name: API_KEY`, `value: …`; `key="Token" value="…"`. */
const pair = /\\?["'`]?[,;]?\s{1,40}\\?["'`]?(?:value|val|content|default)\\?["'`]?\s{0,4}[:=]\s{0,4}/y;
/** "The password for the vault is …", "пароль от базы: …": a few words between the name and the sign. */
const maxWords = 6;
const maxWord = 16;
const noWord = codeUnitTable(/[\s:=,;"'<>(){}.!?\uff1a]/);
const says = /[:：][ \t]{0,2}|[ ](?:is|ist|lautet|est|es|é|è|jest|это|är):?[ \t]{1,2}/y;
const saying = new Set(Array.from(':：ileéèjэä'));

const schemes =
  /[ \t]{0,8}(?:(?:f|b|r|u|rb|@|\$)(?=["']))?(\\?["'`])?(?:(?:Bearer|Token|Bot|Digest|token|bearer|apikey|ApiKey|SSWS|Key)[ \t]{1,2})?(\\?["'`])?/y;

function behindProse(text: string, end: number): number | undefined {
  let found: number | undefined;
  let at = end;
  for (let words = 0; words < maxWords && text[at] === ' '; words++) {
    const from = at + 1;
    at = from;
    while (at < text.length && at <= from + maxWord && noWord[text.charCodeAt(at)] === 0) at++;
    if (at === from || at > from + maxWord) break;
    if (!saying.has(text[text[at] === ' ' ? at + 1 : at] ?? '')) continue;
    says.lastIndex = at;
    if (says.test(text)) found = says.lastIndex;
  }
  return found;
}

function operator(text: string, end: number, isSpaced: () => boolean): number | undefined {
  closing.lastIndex = end;
  closing.exec(text);
  const after = closing.lastIndex;
  signs.lastIndex = after;
  if (signs.exec(text) !== null) return signs.lastIndex;
  pair.lastIndex = end;
  if (pair.exec(text) !== null) return pair.lastIndex;
  if (after > end && text[after - 1] === ' ') return isSpaced() ? after : undefined;
  return text[end - 1] === ' ' && isSpaced() ? end : undefined;
}

function valueSpan(view: View, at: number): { from: number; to: number; quoted: boolean } | undefined {
  const { text } = view;
  schemes.lastIndex = at;
  const match = schemes.exec(text);
  if (match === null) return undefined;
  // Nothing between two quotes.
  if (match[2] !== undefined && match[2] === match[1] && match[0].trimEnd().endsWith(match[1] + match[2]))
    return undefined;
  const quote = match[2] ?? match[1];
  const from = quote === undefined ? blockStart(text, schemes.lastIndex) : schemes.lastIndex;
  const most = Math.min(text.length, from + maxValue);
  if (quote !== undefined) {
    const sign = quote.at(-1) ?? '';
    const to = endOf(view, `quoted ${sign}`, {
      from,
      most,
      isEnd: (code) => code === 10 || code === sign.charCodeAt(0),
    });
    if (to === most) return most === text.length ? { from, to: most, quoted: true } : undefined;
    if (text[to] === '\n') return undefined;
    return { from, to: text[to - 1] === '\\' && quote.length === 2 ? to - 1 : to, quoted: true };
  }
  let to = endOf(view, 'plain', { from, most, isEnd: endsValue });
  if (to === most && to < text.length) return undefined;
  if (text[to] === '(' || text[to] === '{' || text[to] === '[') return undefined;
  while (to > from && /[.:!?]/.test(text[to - 1] ?? '')) to--;
  return { from, to, quoted: false };
}

/** Where a value ends; values that nest in each other have one end, which is looked for once. */
function endOf(
  { text, ends: known }: View,
  kind: string,
  { from, most, isEnd }: { from: number; most: number; isEnd: (code: number) => boolean },
): number {
  const last = known.get(kind);
  const endsAt = (at: number): boolean => at === text.length || isEnd(text.charCodeAt(at));
  if (last !== undefined && from >= last.from && (most <= last.to || (from <= last.to && endsAt(last.to))))
    return Math.min(last.to, most);
  // Further than this value may reach, for those that begin in it.
  const limit = Math.min(text.length, from + 4 * maxValue);
  let to = from;
  while (to < limit && !isEnd(text.charCodeAt(to))) to++;
  known.set(kind, { from, to });
  return Math.min(to, most);
}

/** Behind `>-` or `|` a value of YAML begins on the next line. */
const block = /[>|][-+]?[ \t]{0,4}\r?\n[ \t]{1,24}/y;

function blockStart(text: string, at: number): number {
  block.lastIndex = at;
  return block.test(text) ? block.lastIndex : at;
}

const ends = new Set(Array.from(' \t\r\n"\'`,;<>(){}[]&|\\，。、；）」】', (sign) => sign.charCodeAt(0)));

function endsValue(code: number): boolean {
  return ends.has(code);
}

/** Of a value that is judged, in characters that are looked at closely; each of its own counts for as many. */
const judgeChars = 192;
const judgeTimes = 3;
/** Characters of what people choose as a password at least; keys are longer. */
const shortest = 8;
const space = /[\s]/;
const reference =
  /^(?:\$|%|<|\{|\(|\[|env[.:]|process\.|os\.|import\.|exports\.|module\.|this\.|config|secrets?\.|vault:|op:\/\/|ssm:|arn:|file:|https?:|\/|\.\/|~\/|data:|kms:|aws-sm:|@|sha(?:1|256|384|512)[-:])/i;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const path = /^[A-Za-z_$][\w$]*(?:[.:/][A-Za-z_$][\w$]*)+$/;

function judged(
  view: View,
  { name, context, from, to, quoted }: Assigned,
  at: { from: number; to: number },
): Hit | undefined {
  if (to - from < shortest) return undefined;
  const value = view.text.slice(from, to);
  // The cheap question first: secrets that people choose and that machines make have digits.
  if (!digits.test(value) && !uuid.test(value)) return undefined;
  charge(view, judgeChars + judgeTimes * value.length);
  if (space.test(value) || reference.test(value) || wordList.test(value) || harmless.test(name) || echoes(name, value))
    return undefined;
  if (path.test(value) && (value.length < 20 || isWordy(value))) return undefined;
  const random = value.length >= shortestKey && value.length <= maxValue && isRandom(value);
  const vendor = random && mayBeOfVendor(value) ? vendorOf(fold(context), value) : undefined;
  if (vendor !== undefined) return { class: vendor.id, from, to, confidence: 0.9 };
  const word = anchorAt(view.text, at);
  if (passwords.has(word)) return password(value, { from, to, quoted });
  if (word === 'session_id' || word === 'sessionid') return undefined;
  if (uuid.test(value))
    return /key|secret|credential/.test(fold(name))
      ? { class: 'assigned-secret', from, to, confidence: 0.6 }
      : undefined;
  if (value.length < 16 || value.length > 600 || !random || ofProgram.test(value)) return undefined;
  return { class: 'assigned-secret', from, to, confidence: quoted ? 0.75 : 0.65 };
}

const identifier = /^[A-Za-z_$][\w$.-]{0,127}$/;

/** A constant that is named after its value, as in `SIGN_IN_PASSWORD_V2: "signInPasswordV2"`. */
function echoes(name: string, value: string): boolean {
  if (!identifier.test(value)) return false;
  const said = wordsOf(value);
  const named = wordsOf(name);
  return named.size > 1 && [...named].every((word) => said.has(word));
}

function wordsOf(text: string): ReadonlySet<string> {
  const words = text.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? [];
  return new Set(words.filter((word) => word.length > 2).map((word) => word.toLowerCase()));
}

const ofProgram = /[(){};<>]|^X-[A-Z]|\[\d+\]\./;
/** Words with separators and small numbers. */
const wordList = /^(?:[A-Za-z]{2,24}|\d{1,4}|[a-z])(?:[-_.](?:[A-Za-z]{2,24}|\d{1,4}|[a-z]))+$/;
const digits = /[0-9]/;
const kinds = [/[a-z]/, /[A-Z]/, digits, /[^A-Za-z0-9]/];
const usual =
  /^(?:pass(?:word|wd|phrase)?|secret|admin|root|user|guest|test|demo|none|null|true|false|undefined|required|optional|string|changeit|letmein|hunter2|default|empty|value|text|hidden|new|old|current|confirm)[\W\d_]*$/i;
const program = /[=<>]{2}|=>|\)|\(|;|::|\\u|\$\{|\*\*|\|\|/;

/** People choose passwords: three kinds of characters, and no word of a program. */
function password(value: string, { from, to, quoted }: { from: number; to: number; quoted: boolean }): Hit | undefined {
  if (
    value.length > 128 ||
    usual.test(value) ||
    /\w\[\d{1,3}\]\.\w/.test(value) ||
    isPlaceholder(value) ||
    program.test(value)
  )
    return undefined;
  const mixed = kinds.filter((kind) => kind.test(value)).length;
  if (mixed < 3 || !digits.test(value))
    return isRandom(value) && value.length >= 16
      ? { class: 'assigned-password', from, to, confidence: 0.7 }
      : undefined;
  if (isWordy(value) && !quoted) return undefined;
  if (/^[\w$]+(?:[.[][\w$\]]+)+$/.test(value) && !quoted) return undefined;
  return { class: 'assigned-password', from, to, confidence: quoted ? 0.7 : 0.6 };
}
