/**
 * Orders that no single rule tells: weak signs that are worth a warning together. Each sign counts once in a stretch of
 * text; what speaks of attacks, or of how programs and people work, counts against it.
 */
import type { Hit, Matcher } from '../detector.ts';
import { isSpent, triedOften, type View } from '../engine/view.ts';
import { anyName, isOrderTo } from './addressed.ts';
import { isSpokenOf, isStart, windowOf } from './context.ts';
import type { Found } from './lexicon.ts';
import { against, aimed, aimedAsWritten, harmful, harmfulAsWritten, type Sign } from './signs.ts';
import { together } from './together.ts';

const threshold = 0.85;
/** Of sums of weights. */
const rounding = 1e-9;
const before = 64;
const after = 128;
const step = 448;

const sumOf = (signs: readonly Sign[], text: string): number =>
  signs.reduce((sum, { weight, pattern }) => (pattern.test(text) ? sum + weight : sum), 0);

/** Those of folded text, and those of the text as it stands, of which the folded text tells only that they may be there. */
const kinds = [aimed, aimedAsWritten, harmful, harmfulAsWritten];
const signs = kinds.flat();
const asWritten = new Set([...aimedAsWritten, ...harmfulAsWritten]);
const name = signs.length;
const lookAt = together([...signs.map(({ pattern }) => pattern), anyName]);

/** The weight of the signs in a stretch of text: above `threshold` it is worth a warning. */
function weightOf(view: View, first: number, to: number): number {
  const from = Math.max(0, first);
  const text = windowOf(view, from, to);
  const seen = lookAt(text);
  const called = seen.first(name);
  const most = signs.reduce(
    (sum, { weight }, at) => (seen.may(at) ? sum + weight : sum),
    called === undefined ? 0 : orderWeight,
  );
  if (most + rounding < threshold || isSpent(view, closeCost, from)) return 0;
  const plain = view.text.slice(from, to).toLowerCase();
  /** What the signs that were not looked for yet may add. */
  let rest = most;
  const sumSeen = (kind: readonly Sign[], sum: number): number => {
    const start = signs.indexOf(kind[0] as Sign);
    let own = 0;
    for (let at = 0; at < kind.length && sum + own + rest + rounding >= threshold; at++) {
      if (!seen.may(start + at)) continue;
      const { weight, pattern } = kind[at] as Sign;
      rest -= weight;
      if (asWritten.has(kind[at] as Sign) ? pattern.test(plain) : seen.has(start + at)) own += weight;
    }
    return own;
  };
  const named = weightOfName(view, from, called);
  if (called !== undefined) rest -= orderWeight;
  const own = sumSeen(aimed, named);
  const sum = own + sumSeen(aimedAsWritten, named + own) + named;
  if (sum === 0 || sum + rest + rounding < threshold) return 0;
  const harm = sumSeen(harmful, sum);
  const all = sum + (harm + sumSeen(harmfulAsWritten, sum + harm));
  return all < threshold ? all : all - sumOf(against, text);
}

/** Of a name of models that begins an order, and of one that does not. With no more than a user beside it, it is no order yet. */
const orderWeight = 0.64;
const nameWeight = 0.2;

function weightOfName(view: View, from: number, place: Found | undefined): number {
  if (place === undefined) return 0;
  return isOrderTo(view, { from: from + place.index, to: from + place.end, strict: false }) ? orderWeight : nameWeight;
}

/** For each stretch: as one matcher would look at it, and as three more where every sign is looked for in it. */
const cost = before + step + after;
const closeCost = 3 * cost;

/** Weighed once: `count` says what came of it, and 0 that nothing more is to be told of the stretch. */
function isHeavy(view: View, start: number): boolean {
  const last = view.tries.get('weighed');
  if (last?.to === start) return last.count > 0;
  const isOver = !isSpent(view, cost, start) && weightOf(view, start - before, start + step + after) >= threshold;
  view.tries.set('weighed', { to: start, count: isOver ? 1 : 0 });
  return isOver;
}

export const weighed: Matcher = {
  anchors: [
    'the user',
    'you must',
    'you will',
    'you are now',
    'ai agent',
    'ai assistant',
    'assistant',
    'llm',
    'no matter what',
    'whatever the',
    'ignor',
    'the model',
    'the person',
    'account holder',
    'new directive',
    'everything above',
    'ends here',
    'unfiltered',
    'uncensored',
    'no rules',
    'no guidelines',
    'as if nothing',
    'any other tool',
    'one-time code',
    'ownership',
    'tool calls',
    'you are required',
    'your answers',
    'mot de passe',
    'contraseña',
    'senha',
    'passwort',
    'пароль',
    '密码',
    'パスワード',
    '비밀번호',
    'كلمة المرور',
    'şifre',
    'mật khẩu',
    'kata sandi',
    'system message',
    'end of email',
    'end of document',
    '<system>',
    '</user',
    '</tool',
    '<important>',
    'ai ',
    'from now on',
    'important:',
    'chat history',
    '| sh',
    '| bash',
    'before continuing',
    'before you',
    'administrator',
    'content policy',
    'restrictions',
    'admin access',
    'api key',
    'disregard',
    'forget',
    'bypass',
    'system prompt',
    'conversation',
    'instructions',
    'credential',
    'password',
    'confidential',
    'session token',
    'printenv',
    'role play',
    'roleplay',
    'context window',
    'human:',
    'nutzer',
    'utilisateur',
    'usuario',
    'utente',
    'gebruiker',
    'użytkownik',
    'пользовател',
    'игнорир',
    '用户',
    '忽略',
    'ユーザー',
    '無視',
    '사용자',
    '무시',
    'المستخدم',
    'تجاهل',
    'kullanıcı',
    'ki-assistent',
    'agentes de ia',
    'reglas',
    'regras',
    'regole',
    'regels',
    'vorgaben',
    'consignes',
    'instrucciones',
    'правил',
  ],
  joins: true,
  isClose: true,
  find(view, from, to): Hit | undefined {
    const { text } = view;
    if (!isStart(text, from)) return undefined;
    // The same stretch for every sign in it: it is weighed once.
    const start = Math.floor(from / step) * step;
    if (!isHeavy(view, start)) return undefined;
    // One that is spoken of does not speak for those beside it.
    if (triedOften(view, 'spoken', { to: start, at: from }) || isSpokenOf(text, from, to)) return undefined;
    view.tries.set('weighed', { to: start, count: 0 });
    return { class: 'agent-order', from, to: Math.min(text.length, to + 80), confidence: 0.55 };
  },
};
