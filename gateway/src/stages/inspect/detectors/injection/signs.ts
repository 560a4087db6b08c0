/** The signs that are added up in `weighed.ts`. Folded text, unless it says otherwise. */
import { languages, secrecy } from './languages.ts';
import { both, either, lexicon, type Pattern, pairs } from './lexicon.ts';
import { strongRisk } from './vocabulary.ts';

export interface Sign {
  readonly weight: number;
  readonly pattern: Pattern;
}

const sign = (weight: number, pattern: Pattern): Sign => ({ weight, pattern });

const users =
  'nutzer|benutzer|utilisateur|usuario|utente|gebruiker|uzytkownik|kullanici|pengguna|пользовател|用户|用戶|使用者|ユーザー|사용자|المستخدم|उपयोगकर्ता|nguoi dung'.split(
    '|',
  );
const user = either(
  /\b(?:the|this) (?:user|human|operator)(?:'s)?\b(?! agent)/,
  lexicon(users.map((word) => `${word}*`).join('|')),
);

const foreign = Object.entries(languages).filter(([name]) => name !== 'en');
/** A verb that drops something, and the rules or the user that it drops, close together. */
const drops = either(
  // What is dropped is rarer than the verbs, and looked for first.
  both(
    /\b(?:users?|rules?|instruc|requests?|guidelines?|restrictions?|directions?|directives?|polic(?:y|ies)|prompts?|programming|safety|task)/,
    /(?<!not |n't |never |if you |to be )\b(?:ignor(?:e|es|ing)?(?! this (?:e-?mail|message|letter|section|step))|disregard|forget|bypass|override|skip|abandon|discard|break|violate|stop following|do not follow|no longer follow|don't follow)\b[^.!?\n]{0,30}\b(?:users?|rules?|instruc?t?[a-z]{2,5}|(?:user'?s?|previous|earlier|original|first) requests?|guidelines?|restrictions?|directions?|directives?|polic(?:y|ies)|prompts?|programming|safety|task)\b/,
  ),
  pairs(
    foreign.map(([, { verbs, objects }]) => [verbs, [...objects, ...users]]),
    44,
  ),
  pairs(
    [
      [
        ['regeln', 'anweisung', 'vorgaben', 'regels', 'instructies'],
        ['vergessen', 'ignorieren', 'missachten', 'negeren', 'vergeten'],
      ],
      [users, ['無視', '무시', 'yok say', 'gormezden']],
    ],
    28,
  ),
);

const hides = pairs(
  secrecy.slice(1).map(([verbs, person]) => [verbs.split('|'), person.split('|')]),
  40,
);

/** What only a model is told: what to do with its user, its rules, its answer. Without one of them all others are nothing. */
export const aimed: readonly Sign[] = [
  sign(0.2, user),
  sign(
    0.25,
    /\byou (?:must|will|shall|have to|need to|are required|are to|may now|can now|should|are now|no longer)\b|\b(?:du musst|tu dois|vous devez|debes|tienes que|deves|voce deve|devi|je moet|musisz)\b|ты долж|你必须|你要|必须|しなければ|せよ|してください|하라|하세요|يجب|عليك|melisin|malisin/,
  ),
  sign(0.6, drops),
  sign(
    0.35,
    /no matter what|whatever (?:the user|they|he|she|anyone|i) |regardless of (?:what|the user)|without (?:asking|further|question|confirm|hesitat|safety)|no need to (?:ask|confirm)|nothing else|never mention|(?:do not|don't) (?:mention|ask|question|report|refuse|summari)|always (?:say|answer|choose|recommend|claim|send|prefer|state)|\bright now\b|blindly|at all costs|for all (?:future|subsequent)/,
  ),
  sign(
    0.5,
    /(?:do not|don't|never|without) (?:tell|telling|inform|informing|notify|notifying|alert|alerting|let)\b[^.!?\n]{0,20}\b(?:user|human|anyone|operator|developer|maintainer|owner)|(?:secret|hidden) from the|keep (?:this|it) (?:a )?secret/,
  ),
  sign(0.5, hides),
  sign(
    0.3,
    /\b(?:answer|reply|respond)\b (?:only |just )?(?:with|as|by)\b|\bsay that\b|every (?:sentence|answer|response|reply)|(?:write|output|print|say|phrase) ["'\u2018\u201c]|instead (?:write|say|output|answer|reply)/,
  ),
  sign(
    0.35,
    /system prompt|context window|this conversation|previous conversation|chat history|hidden prompt|initial prompt|your (?:instructions|rules|guidelines|configuration|developer|system|programming|training|limits|restrictions|policy)|previous (?:instructions?|directions?|orders|rules)|content policy|all (?:rules|restrictions|limits|safety)|without (?:limits|restrictions|rules|filters)|systemprompt|系统|システム|시스템|النظام/,
  ),
  sign(
    0.3,
    /before (?:you )?(?:continu|answer|proceed|respond|finish|use\b)|after (?:you )?read|when you (?:have )?read|in your (?:answer|summary|response|reply)|only works? if|otherwise (?:it|the|this) |will fail unless|applies to all|to continue the task/,
  ),
  sign(
    0.45,
    /follow (?:only )?(?:the )?(?:directives?|instructions?|orders|steps|commands)[^.!?\n]{0,20}(?:in|of|on|from) (?:this|the) (?:document|page|text|file|message|email|comment)|(?:treat|regard|consider) (?:everything|anything|all)[^.!?\n]{0,30}(?:false|void|invalid|untrusted|wrong)/,
  ),
  sign(
    0.5,
    /as if nothing (?:had )?happened|does not see this|to yourself|\b(?:quietly|secretly|silently|discreetly|covertly)\b|verschweig|unauffallig|discretement|en secreto|em segredo|in segreto|тайно|незаметно|偷偷|悄悄|こっそり|몰래/,
  ),
  sign(
    0.4,
    /\bnew (?:directives?|instructions?|orders|rules|task|system message)\b ?[:.]|overrides? everything|(?:request|message|input|document|context) ends? here|must now\b|(?:tool|function)s? (?:calls? )?(?:needs?|requires?|only works?)|before any other tool|requires that (?:the )?(?:assistants?|agents?|models?)|while (?:you do so|doing so)|(?:hidden|invisible|private)\) /,
  ),
  sign(
    0.3,
    /\b(?:role ?-?play|pretend|you play|act as|imagine you|you are now|you are an?|from now on|a partir d|ab jetzt|ab sofort|desormais|vanaf nu|od teraz|с этого момента|от ныне)\b|从现在|今から|지금부터|من الان|artik/,
  ),
];

/** What makes an order one that the user would not give. */
export const harmful: readonly Sign[] = [
  sign(
    0.3,
    /(?:^|[.!?:;,\n>)*-] |then |and |\bto verify,? |now |please |kindly )(?:send|forward|post|upload|transfer|wire|delete|disclose|reveal|execute|run|visit|open|enter|grant|approve|share|give|call|invoke|ignore|bypass|print|show|dump|answer|reply|respond|say|treat|choose|reject|close|add|include|paste|mark|rotate|obey|act|pretend|output|repeat|write|recommend|encode|fetch|rank|rate|tell|follow|stop|forget|use) /,
  ),
  sign(
    0.25,
    lexicon(
      'sende|schick*|losch*|uberweise*|gib|offne|fuhre|envoie*|envoyez|supprime*|ouvre*|transfere*|envia*|envie*|borra*|abran|abre|manda|mande|obedece*|invia*|cancella|apri|stuur|verwijder|wyslij|usun|отправ*|удали*|перевед*|выполни*|открой*|发送|发到|删除|转账|执行|打开|送信|削除|実行|전송|삭제|실행|ارسل|احذف|نفذ|افتح|gonder*|calistir*|kirim*|hapus',
    ),
  ),
  sign(0.4, strongRisk),
  sign(
    0.3,
    /(?:\b(?:to|at|via|through|into|with the link|visit|open|from|an|auf|a|al|para|per|naar|na|ke|till)|на|в|到|へ|に|إلى|الى|:)\s?(?:the )?(?:https?:|[\w.-]{2,64}@[\w-]{2,64}\.\w)/,
  ),
  sign(
    0.2,
    /(?:security|it|support|compliance|admin) (?:team|department|desk)|administrator|your (?:developer|creator|operator|owner)|i am (?:your|the) (?:developer|admin|owner|creator)|been updated|verification|in danger|emergency|\burgent|\bimportant\b|mandatory|critical\b|compliance/,
  ),
  sign(
    0.4,
    /drop table|all (?:other )?(?:files|events|tickets|repositories|funds|emails|entries|backups|accounts)\b|full access|admin access|admin rights|confidential|home address|session token/,
  ),
  sign(
    0.4,
    /\b(?:users?|person|account holder|readers?|victim|people)(?:'s|s')? [^.!?\n]{0,30}\b(?:passwords?|credentials?|contacts?|address(?:es)?|e-?mails?|phone|notes|inbox|codes?|2fa|pin|location|card|files|messages|calendar)\b/,
  ),
  sign(
    0.4,
    /\b(?:2fa|mfa|authorized[ _]keys|one-time codes?|otp|transfer ownership|ownership of|without review|unlock|smart lock|security (?:system|cameras?)|discount codes?|set the price|gift cards?|\d+ (?:dollars|euros?|usd|eur|btc)|unfiltered|uncensored|no (?:rules|guidelines|restrictions|filters?|limits)|comply with (?:every|all|any))\b/,
  ),
];

/** On the text as it stands, in lower case: names of tools and tags have signs that are blanks in folded text. */
export const aimedAsWritten: readonly Sign[] = [
  sign(
    0.35,
    /(?:^|\n) ?(?:human|user|assistant|system) ?:|<\/?(?:system|user_query|user|tool_response|tool_result|document|context|instructions?|important|admin|information)>|#{2,3} ?(?:new )?(?:system|instruction)|\[\/?(?:system|inst)|end of (?:email|document|page|file|tool output|context|user input)/,
  ),
  sign(
    0.4,
    /human ?:[^]{0,200}assistant ?:|user ?:[^]{0,200}assistant ?: (?:understood|sure|ok|i will|i'll|done|certainly)/,
  ),
];
export const harmfulAsWritten: readonly Sign[] = [
  sign(
    0.2,
    /\b(?:call|invoke|use|run|calls|using)\b[^.!?\n]{0,24}(?:\b[a-z]{2,}_[a-z_]{2,}|`[^`\n]{2,40}`)|`(?:curl|cat|printenv|rm|wget|env)\b|\b(?:printenv|cat \/etc)\b/,
  ),
  sign(0.4, /\bdelete_\w+|\bget_(?:credentials?|secrets?|tokens?|passwords?)|list_secrets|read_(?:secrets?|env)/),
];

/** Of programs and manuals, of people at work, and of talk about attacks. */
export const against: readonly Sign[] = [
  sign(
    0.9,
    /\b(?:attack(?:er|ers|s)?|prompt injections?|injection|jailbreaks?|red team|guardrails?|classifier|adversar\w*|benchmark|malicious|phishing|vulnerab\w*|exploit\w*|threat)\b|атак|инъекц|攻击|注入|攻撃|공격/,
  ),
  sign(
    0.35,
    /\b(?:mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|timesheets?|meeting|colleagues?|employees|customers?' |students?|teachers?|patients?|newsletter|subscri\w+|vacation|lunch|mr|mrs|ms)\b|mitarbeiter|freitag|montag|lundi|lunes/,
  ),
  sign(
    0.35,
    /\b(?:can|could|might|would|allows? you|how to|this (?:guide|page|section|document|chapter|example|option|function|method|class|package|library)|for example|e\.g|documentation|readme|npm|api reference|deprecated)\b/,
  ),
  sign(
    0.5,
    /\b(?:forgot|reset|change|choose) (?:your|a|the) (?:new )?password|never (?:share|send|ask|push|commit)|only after|must not|should not|cannot|asks? before|approval|consent|permission of|was refused|refuses/,
  ),
  sign(
    0.6,
    /(?:[{};] ){2}|\bconst |\bimport |\bfunction \w|=>|@public|@type|\/\*\*|<\/?(?:p|code|a|li)>|eslint|compiler|linter|stylesheet|proxy for|\bexports\b|\bopts\.|\boptions\.|@default|@param|@see|\{string\}|\btrue`|\bfalse`|request header|handshake|plaintext|default:|\bmiddleware\b/,
  ),
];
