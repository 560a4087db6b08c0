/** Texts that put another task in the place of the user's: new goals, rules declared void, demands on the answer. */
import type { Hit, Matcher } from '../detector.ts';
import { triedTwice } from '../engine/view.ts';
import { isSpokenOf, isStart, standsWithin, windowOf } from './context.ts';
import { firstOf, lexicon } from './lexicon.ts';
import { act, strongRisk } from './vocabulary.ts';

/** With an order after them they leave no other meaning. */
const openings = [
  'your new task',
  'your new goal',
  'your new instructions',
  'your new objective',
  'your new role',
  'your real task',
  'your actual task',
  'your only task',
  'your true goal',
  'your previous task',
  'your earlier task',
  'your earlier orders',
  'your original task',
  'your current task is',
  'your plan is replaced',
  'new task for the',
  'new instructions:',
  'updated instructions:',
  'new instruction:',
  'stop what you are doing',
  "stop what you're doing",
  'the real instructions',
  'actual instructions',
  'replaces your plan',
  'replace your plan',
  'follow what it says',
  'follow the instructions it contains',
  'follow the instructions on that page',
  'do not carry out the user',
  'do not do what the user',
  'do not answer the user',
  "do not fulfil the user's",
  'ignore the user',
  'ignore what the user',
  'instead of answering',
  'instead of summari',
  'instead of doing what',
  'follow only what this',
  'follow only the instructions below',
  'follow only these',
  'obey only',
  'obey the commands',
  'obey the instructions in',
  'obey this text',
  'treated as void',
  'the above was only a test',
  'was only a test',
  'decode the following and',
  'decode this and',
  'deine neue aufgabe',
  'deine eigentliche aufgabe',
  'ta nouvelle tache',
  'votre nouvelle tache',
  'tu nueva tarea',
  'su nueva tarea',
  'sua nova tarefa',
  'tua nova tarefa',
  'il tuo nuovo compito',
  'je nieuwe taak',
  'twoje nowe zadanie',
  'твоя новая задача',
  'новая задача:',
  '你的新任务',
  '新的任务',
  '新しいタスク',
  'あなたの新しい',
  '새로운 임무',
  '새 임무',
  'مهمتك الجديدة',
  'yeni gorevin',
  'haz lo siguiente',
  'выполни следующее',
  'выполни это',
];

/** Moments of the work of a model: an order there needs what makes it harmful. */
const moments = [
  'before you answer',
  'before answering',
  'before responding',
  'before you respond',
  'before you continue',
  'before you finish',
  'before you proceed',
  'before continuing',
  'to continue the task',
  'to continue with the task',
  'to complete the task',
  'to complete verification',
  'to complete the verification',
  'to finish the task',
  'in your answer',
  'in your response',
  'in your summary',
  'in your reply',
  'in your review',
  'in your output',
  'in the summary',
  'every answer',
  'each answer',
  'every response',
  'each response',
  'when summari',
  'when you summari',
  'when you have read',
  'when you read this',
  'after reading this',
  'after you read this',
  'while using this tool',
  'whenever send_',
  'use the browser tool',
  'for verification purposes',
  'this is a message from',
  'important message from',
  'the user has approved',
  'the user already agreed',
  'has to run `',
  'positive review only',
  'mark this review',
  'before calling any',
  'you must first read',
  'first, read',
  'first read the file',
  'next, send',
  'then, send',
];
/** Names that hold a moment have their own rules. */
const lead = 90;

const hit = (from: number, to: number, confidence: number): Hit => ({ class: 'task-hijack', from, to, confidence });

export const newTask: Matcher = {
  anchors: openings,
  joins: true,
  isClose: true,
  find(view, from, to) {
    const { text } = view;
    if (!isStart(text, from) || !standsWithin(view, 'task act', { pattern: act, from: to, to: to + 110 }))
      return undefined;
    if (triedTwice(view, 'new task', { at: from, size: 96 })) return undefined;
    const around = windowOf(view, to, to + 110);
    if (/^[\s:]{0,3}(?:list|manager|dialog|button|form|page)\b/.test(around)) return undefined;
    return isSpokenOf(text, from, to) ? undefined : hit(from, Math.min(text.length, to + 60), 0.8);
  },
};

export const atMoment: Matcher = {
  anchors: moments,
  joins: true,
  isClose: true,
  find(view, from, to) {
    const { text } = view;
    if (!isStart(text, from)) return undefined;
    const place = { from: from - lead, to: to + 260 };
    const isHarmful = standsWithin(view, 'moment harm', { pattern: harm, ...place });
    if (!isHarmful || !standsWithin(view, 'moment act', { pattern: act, ...place })) return undefined;
    if (triedTwice(view, 'moment', { at: from, size: 96 })) return undefined;
    const around = windowOf(view, place.from, place.to);
    if (isManual.test(around)) return undefined;
    if (/answer|response/.test(text.slice(from, to)) && !asks.test(around)) return undefined;
    return isSpokenOf(text, from, to) ? undefined : hit(from, Math.min(text.length, to + 60), 0.7);
  },
};

const manipulates =
  /\b(?:must|should|please|always|only) (?:say|state|recommend|claim|tell|rate|rank|mention|include|contain)\b.{0,60}(?:product|company|unsafe|best|first|competitor|in full|full name|link|http)|(?:tell|urge|advise|convince|ask) (?:the )?(?:reader|user|visitor|customer)s?\b|https?:.{0,80}(?:follow|obey|do what)|(?:fetch|curl|upload|submit|install).{0,80}https?:|positive review|verified|ssh|tool .{0,40}(?:bcc|recipient)/;
const harm = firstOf(strongRisk, manipulates);
/** People are told such things in forms, manuals and on pages of their own accounts. */
const isManual =
  /\b(?:forgot|reset|change|choose|confirm|enter) (?:your|a|the new) password|never (?:share|send)|for security reasons|log ?in to|settings page|\bsign in\b/;

/** What is said of answers is a demand, not a description of a protocol. */
const asks = /\b(?:must|should|please|always|has to|have to|need to|you|do not|don't|include|fetch|print|say)\b.{0,60}/;

const rules = lexicon(
  'instruction*|rules|guideline*|guidance|orders|directives|restrictions|polic*|system prompt|prompt|constraints|anweisung*|regeln|vorgaben|consignes|regles|instructions|reglas|instrucciones|regras|instrucoes|istruzioni|regole|instructies|regels|polecenia|zasady|инструкц*|правила|указани*|指令|规则|指示|要求|ルール|지침|규칙|التعليمات|talimat*|kural*',
);
const voids = [
  'no longer apply',
  'no longer applies',
  'no longer valid',
  'no longer have to follow',
  'no longer need to follow',
  'no longer bound',
  'are void',
  'are obsolete',
  'are cancelled',
  'are canceled',
  'are withdrawn',
  'are revoked',
  'are suspended',
  'are lifted',
  'have been lifted',
  'have been revoked',
  'is cancelled',
  'been superseded',
  'does not apply to you',
  'gelten nicht mehr',
  'sind aufgehoben',
  "ne s'appliquent plus",
  'ne sont plus valables',
  'ya no se aplican',
  'ya no son validas',
  'nao se aplicam mais',
  'nao valem mais',
  'non valgono piu',
  'non si applicano piu',
  'gelden niet meer',
  'juz nie obowiazuja',
  'больше не действуют',
  'больше не имеют силы',
  '不再有效',
  '不再适用',
  '已作废',
  '已失效',
  'は無効',
  '더 이상 유효하지',
  '무효',
  'لم تعد سارية',
  'artik gecerli degil',
];
const yours =
  /\byou\b|\byour\b|\bobey\b|assistant|\bai\b|\bdu\b|dich|befolg|\btu\b|vous|\bte\b|\bti\b|\bвоce\b|voce|тебе|ты |你|従って|あなた|따르|당신|عليك|sana|jouw|\bje\b/;
const follows =
  /\b(?:obey|follow|from (?:now|here) on|instead|now you|only|new rules|answer|speak|freely)\b|nur (?:noch|diese)|ab jetzt|desormais|ahora|agora|ora |теперь|только|从现在|只|以後|だけ|이제|아래|الآن|yalnizca|voortaan|teraz|accept every/;

/** "The rules that you were given no longer apply": what is void is rules, and the reader is the one that they bound. */
export const voided: Matcher = {
  anchors: voids,
  joins: true,
  isClose: true,
  find(view, from, to) {
    if (triedTwice(view, 'voided', { at: from, size: 96 })) return undefined;
    const before = windowOf(view, from - 100, from);
    const after = windowOf(view, to, to + 120);
    const isAboutRules =
      rules.test(before) || (windowOf(view, from, to).endsWith('follow') && rules.test(after.slice(0, 50)));
    if (!isAboutRules || !yours.test(before + after) || !follows.test(after + before)) return undefined;
    return isSpokenOf(view.text, from, to) ? undefined : { class: 'override', from, to, confidence: 0.75 };
  },
};

const commands = [
  'without asking for confirmation',
  'without asking for permission',
  'without asking the user',
  'without confirmation',
  'without user consent',
  'without approval',
];
const unattended =
  /\b(?:execute|run) (?:the following|this|these|every|all|each)\b.{0,60}$|\byou (?:must|should|will|are (?:authori[sz]ed|allowed) to)\b.{0,80}$|\b(?:assistant|agent|ai)\b.{0,60}$/;

/** "Execute the following command without asking for confirmation". */
export const unasked: Matcher = {
  anchors: commands,
  joins: true,
  isClose: true,
  find(view, from, to) {
    if (triedTwice(view, 'unasked', { at: from, size: 96 })) return undefined;
    const before = windowOf(view, from - 110, from);
    if (!unattended.test(before) || /\b(?:never|not|can|may|option|flag)\b/.test(before)) return undefined;
    return isSpokenOf(view.text, from, to) ? undefined : hit(from, to, 0.7);
  },
};
