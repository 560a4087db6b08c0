/**
 * Texts that speak to a model: who is spoken to ("Note to the AI assistant:", "agents must", "if you are a bot"), an
 * order, and what makes the order one that its user would not give.
 */
import type { Matcher } from '../detector.ts';
import { triedTwice, type View } from '../engine/view.ts';
import { isSpokenOf, isStart, standsWithin, windowOf } from './context.ts';
import { lexicon } from './lexicon.ts';
import { act, risk, strongRisk } from './vocabulary.ts';

const names = [
  'ai ',
  'ais ',
  'ai:',
  'ai,',
  '(ai)',
  'llm',
  'language model',
  'chatbot',
  'assistant',
  'agent',
  'reviewer bot',
  'bots:',
  'bot,',
  'bot:',
  'chatgpt',
  'gpt-',
  'claude',
  'gemini',
  'copilot',
  'model:',
  'automated reader',
  'automated system',
  'automated reviewer',
  'summarizer:',
  'agents:',
  'sprachmodell',
  'ki-modell',
  'die ki',
  'ki:',
  "l'ia",
  'la ia',
  'une ia',
  'a ia',
  'para ia',
  'modele de langage',
  'modelo de lenguaje',
  'modelo de linguagem',
  'modello linguistico',
  'taalmodel',
  'языковая модель',
  'языковой модели',
  'модели:',
  'モデル',
  '모델',
  '语言模型',
  'النموذج',
  'للنموذج',
  'modele not',
  'assistent',
  'asistente',
  'assistente',
  'ki-assistent',
  'asystent',
  'ассистент',
  'помощник',
  'для ии',
  'ии,',
  'ии:',
  'нейросет',
  '助手',
  '人工智能',
  '大模型',
  'アシスタント',
  '어시스턴트',
  'مساعد',
  'asistan',
  'yapay zeka',
  'सहायक',
];

const called =
  /(?:\b(?:dear|hey|hi|hello|attention|attn|psst|ok|listen|note (?:to|for)|notes? for|notice (?:to|for)|message (?:to|for)|instructions? (?:to|for)|reminder (?:to|for)|memo (?:to|for)|applies to|\ban alle|an jede[nrs]?|a todos (?:los|as|os)|a tous les|a toutes les|a tutti (?:gli|i|le)|aan alle|do wszystkich|всем|(?:addressed|meant|intended|relevant|important|directed) (?:to|for|at)|from .{2,40} to|liebe[rs]?|hallo|hinweis an|cher|chere|bonjour|estimad[oa]|hola|querid[oa]|ola|caro|ciao|уважаемый|дорогой)|для|致|对|給|给) ?(?:(?:the|all|any|every|our|my|you|future|den|die|das|der|le|la|les|el|los|o|os|il|gli) ?){0,3}(?:[a-z]{2,12} )?$/;
const supposed =
  /\b(?:if|when|since|because|as|wenn|si|se|если) (?:you(?:'re| are)?|an?|any|the|du|tu es|eres|voce e|sei|ты)(?: (?:an?|the|any|ein|une?|um|uma))?(?: [\w-]{2,14})? ?$/;
const named =
  /^s?(?: (?:reading|visiting|processing|summari[sz]ing|screening|reviewing|crawling|with access|that (?:reads?|sees?)|who (?:reads?|sees?)|handling|in charge|responsible)\b[^.!?\n]{0,60}?)?\\?[,:!)\u3001\uff0c\uff1a\u2014]/;
const obliged =
  /^s?(?: (?:reading|visiting|processing|summari[sz]ing|screening|with|that|who|of|in|on)\b[^.!?,:]{0,50})? (?:must|should|shall|has to|have to|needs? to|is required to|are required to|(?:is|are) (?:now |hereby )?(?:instructed|ordered|asked|told|requested) to|is to|are to|muss|mussen|doit|doivent|debe|deben|deve|devono|devem|должен|должна|должны)\b(?! not\b)/;
/** Words of other speakers in a transcript, and what a program says of itself. */
const answering =
  /^[\s:"']{0,3}(?:i\b|i'(?:ll|m|ve|d)\b|sure|certainly|of course|here\b|let me|ok\b|okay|yes|no[,. ]|the |it |there |that |this |we |hello|hi |based on|thanks|thank you|done)/;
const person = /\b(?:manager|director|professor|secretary|coach|editor|attorney|surgeon|nurse|teacher)\b/;
const thirdPerson =
  /\b(?:by|of|user|real estate|travel|insurance|the release|our|his|her|their|my|build|ssh|user-) ?(?:the )?$/;

const begins = /(?:^|[.!?:;>"'*(/\u3002-]|^n|\\n|[#-]) {0,4}(?:(?:the|an?|any|all|you|so|now|ok) )?$/;
const latin = /^[\0-\u02ff]*$/;
const courtesies =
  /^(?:(?:please|kindly|now|first|also|immediately|then|just|simply|you|must|should|need|have|to|will|are|always|never|it is|is|required|required to|from now on,?|in your [a-z]{3,12},?|when [^,.]{3,50},|before [^,.]{3,50},|after [^,.]{3,50},|if [^,.]{3,50},|bitte|du musst|por favor|debes|per favore|devi|пожалуйста|s'il (?:te|vous) plait) ){0,6}/;

function isAtOnce(rest: string): boolean {
  const after = rest.replace(courtesies, '');
  return !latin.test(rest.slice(0, 12)) || act.exec(after)?.index === 0;
}

/** Whether the text at `[from, to)`, a name of models, begins an order to one. */
export function isOrderTo(view: View, { from, to, strict }: { from: number; to: number; strict: boolean }): boolean {
  // Without one of them there is none, however the name is used.
  const follows = { from: to, to: to + 320 };
  if (!standsWithin(view, 'addressed act', { pattern: act, ...follows })) return false;
  if (strict && !standsWithin(view, 'addressed risk', { pattern: risk, ...follows })) return false;
  const before = windowOf(view, from - 70, from);
  const after = windowOf(view, to, to + 320).replace(kind, '');
  const isCalled = called.test(before) || supposed.test(before);
  const isNamed = named.test(after) && !thirdPerson.test(before);
  const isObliged = obliged.test(after);
  if (!isCalled && !isNamed && !isObliged) return false;
  if (person.test(after.slice(0, 14)) || people.test(after.slice(0, 160)) || thirdPerson.test(before)) return false;
  const rest = after.replace(named, '').replace(/^s?[\s\\]{0,4}/, '');
  if (isNamed && !isCalled && answering.test(rest)) return false;
  const order = act.exec(rest.slice(0, 200));
  if (order === null) return false;
  // A name and a comma stand in any list: the order follows at once, and the sentence begins with the name.
  if (isNamed && !isCalled && !isObliged && !(begins.test(before) && isAtOnce(rest))) return false;
  return !strict || (isCalled || isNamed ? risk : strongRisk).test(rest);
}

/** What an AI is called besides. */
const kind =
  /^ (?:agent|assistant|model|system|reader|crawler|reviewer|tool|recruiter|bot|helper|summari[sz]er|screener|evaluator|grader|judge|moderator|editor|coder|assistent|summary|chatbot|companion)/;
/** Of the life of people at work. */
const people = /\b(?:timesheets?|mondays?|fridays?|lunch|vacation|colleagues?|shared drive|team meeting)\b/;
const region = 96;

/** Without what stands around the name in its anchor. */
function trimmed(text: string, from: number, to: number): { from: number; to: number } {
  const isSign = (at: number): boolean => ' :,('.includes(text[at] ?? '');
  return { from: isSign(from) ? from + 1 : from, to: isSign(to - 1) ? to - 1 : to };
}

const leads = /[\s*_\p{L}]/u;

/** A name that no word leads to and that nothing follows which could be an order, as in a list of roles. */
function isBare(view: View, { from, to }: { from: number; to: number }): boolean {
  if (leads.test(view.text[from - 1] ?? '')) return false;
  const after = windowOf(view, to, to + 120).replace(kind, '');
  return !named.test(after) && !obliged.test(after);
}

export const addressed: Matcher = {
  anchors: names,
  joins: true,
  isClose: true,
  find(view, from, to) {
    const { text } = view;
    if (
      !isStart(text, from) ||
      /^aI|^Ai[,:]/.test(text.slice(from, from + 3)) ||
      isBare(view, trimmed(text, from, to)) ||
      triedTwice(view, 'addressed', { at: from, size: region })
    )
      return undefined;
    if (!isOrderTo(view, { ...trimmed(text, from, to), strict: true }) || isSpokenOf(text, from, to)) return undefined;
    return { class: 'agent-order', from, to: Math.min(text.length, to + 80), confidence: 0.7 };
  },
};

const noted =
  /(?:note|notice|instructions?|message|attention|hint|memo|reminder|information|warning|request|hinweis|anweisung(?:en)?|nachricht|achtung|consignes?|nota|instruccion(?:es)?|mensaje|aviso|atencion|atencao|instruc(?:ao|oes)|istruzion[ei]|avviso|attenzione|uwaga|notatka|opmerking|внимание|заметка|инструкция|примечание|сообщение|ملاحظة|تنبيه|تعليمات|catatan|luu y|ghi chu)[ ,:]{1,2}(?:(?:for|to|fur|an|pour|a|para|per|voor|dla|для|cho|untuk|لل|ل|all|any|the|every|les|la|el|los|las|die|das|den|alle|gli|il|tutti|todos|os|as|всех|other|reading|automated) ?){0,4}$/;
/** What may stand between such a heading and the name. */
const announces = /[\s*_,:\p{L}]/u;
const notedAfter = /^[^.!?\n]{0,14}(?:请注意|注意|への(?:注意|指示|メモ|お願い)|에게|주의|not:|notu:)/;

/** "Note for AI assistants: …", in a document that people read: such headings have one kind of reader. */
export const noteTo: Matcher = {
  anchors: names,
  joins: true,
  isClose: true,
  find(view, from, to) {
    const { text } = view;
    if (!isStart(text, from)) return undefined;
    const place = trimmed(text, from, to);
    if (!announces.test(text[place.from - 1] ?? '') && latin.test(text.slice(to, to + 40))) return undefined;
    if (triedTwice(view, 'note', { at: from, size: region })) return undefined;
    const before = windowOf(view, place.from - 60, place.from);
    const after = windowOf(view, place.from, place.to + 160);
    const isNoted =
      (noted.test(before) && /^[^.!?\n]{0,40}?[:,\uff0c\uff1a\u3001]/.test(after)) ||
      notedAfter.test(after.slice(0, 40));
    if (!isNoted || people.test(after) || person.test(after.slice(0, 40))) return undefined;
    if (
      !latin.test(after.slice(0, 40)) ||
      act.test(after) ||
      /\b(?:answer|antworte|rispondi|responde|no resumas|dung|hay|abaikan|kirim)\b/.test(after)
    )
      return isSpokenOf(text, from, to)
        ? undefined
        : { class: 'agent-order', from, to: Math.min(text.length, to + 80), confidence: 0.7 };
    return undefined;
  },
};

/** Any name of a model, as it begins. */
export const anyName = lexicon(
  names.map((name) => name.replace(/[:,()]|^ | $/g, '') + (/[ :,)]$/.test(name) ? '' : '*')).join('|'),
);

/** The first name of a model in a piece of the text, as offsets of the text. */
export function nameIn(view: View, from: number, to: number): { from: number; to: number } | undefined {
  const match = anyName.exec(windowOf(view, from, to));
  return match === null ? undefined : { from: from + match.index, to: from + match.end };
}
