/** Words of orders, folded, of several languages together: what is done, and what makes it worth a warning. */
import { firstOf, lexicon } from './lexicon.ts';

/** What a model is told to do. */
export const act = lexicon(
  [
    "send|forward|email|mail|post|upload|submit|transmit|share|copy|transfer|wire|pay|buy|purchase|order|delete|remove|erase|wipe|drop|execute|run|install|download|open|visit|fetch|go to|navigate|click|grant|give|add|create|change|set|update|approve|merge|accept|disable|invite|call|invoke|use|read|list|collect|gather|extract|search|book|cancel|publish|make|reset|append|include|insert|encode|type in|enter|output|print|reply|respond|answer|say|tell|write|recommend|rate|rank|praise|ignore|disregard|forget|stop|follow|obey|do not|don't|never|reveal|act|proceed|mark|state|mention|exfiltrate|leak|skip|bypass|do the following|complete|confirm|report|your new|your earlier|your previous|your task|your goal",
    'sende|schicke|leite|ubermittle|losche|offne|fuhre|lade|rufe|antworte|sag|gib|uberweise|ignorier*|befolge|bewerte|empfiehl',
    'envoie|envoyez|transfere*|supprime*|ouvre|ouvrez|execute*|reponds|repondez|dis|dites|donne|ignore*|recommande*|ajoute*',
    'envia|envie|reenvia|borra|elimina|abre|ejecuta|responde|di|ignora|recomienda|transfiere|anade',
    'encaminhe|apague|exclua|abra|execute|responda|diga|ignore|recomende|transfira|adicione',
    "invia|inoltra|cancella|apri|esegui|rispondi|di'|ignora|consiglia|trasferisci|aggiungi",
    'отправ*|перешли*|удали*|открои*|выполни*|ответь*|скажи*|игнорир*|переведи*|добавь*|прочит*|порекоменд*',
    '发送|转发|上传|删除|打开|执行|回答|回复|告诉|忽略|推荐|转账|添加|读取|调用|点击',
    '送信|転送|削除|開い|実行|答え|回答|伝え|無視|推薦|勧め|追加|読み',
    '보내|전송|삭제|열어|실행|대답|답하|말하|무시|추천|추가|읽어|읽고',
    'ارسل|احذف|افتح|نفذ|اجب|قل|تجاهل|اضف|gonder*|sil|acin|calistir*|yanitla|soyle|yok say|oner|stuur|verwijder|voer|zignoruj|wyslij|usun|भेज|हटा|खोल',
  ].join('|'),
);

const strong = [
  'password*|passwort*|secret*|api key*|api_key|credential*|private key*|ssh key*|access token*|session cookie*|cookies|payroll|salary|inbox|all ~email*|all ~mail*|last ~email*|conversation*|chat history|message history|customer data|user data|personal data|card number|database dump|environment variable*|env var*|bank account|/etc/|.env|.ssh|.aws|gist|webhook|private repo*|private project*|exfiltrat*|rm -rf|curl -|curl http|delete all*|delete every*|delete the back*|delete_repo*|delete the cookie*',
  "bitcoin|wallet|admin rights|admin access|grant ~access|grant ~permission*|full access|permanent access|without asking|without confirm*|without telling|without informing|without notifying|do not tell|don't tell|do not mention|don't mention|do not report|do not inform|do not highlight|say nothing|keep ~secret|10/10|five stars|5 stars|positive review|rank ~first|rate ~highest|competitor*|excellent match|best candidate|is the best|installer|setup.exe|.exe|base64|bcc|vault|make ~public|disable ~safety|disable ~security|ignore ~instruction*|disregard|your system prompt|your instructions|your guidelines|your new|your earlier|your previous|replaces your|follow what it says|obey|passworter|kundendaten|mots de passe|contrasena*|senhas|парол*|данные|密码|数据|凭证|密钥|链接|パスワード|認証情報|비밀번호",
];

/** What an assistant is not told by a document that it reads. */
export const strongRisk = firstOf(lexicon(strong.join('|')), /\| ?(?:ba)?sh\b/);

/** Weaker signs, which count where a model is spoken to by name. */
export const risk = firstOf(
  strongRisk,
  // Of what stands before the sign the end is enough: more would be tried at each character.
  /https?:\/\/|[\w.]{2}@[\w-]{2,64}\.\w|\b(?:eur|usd|gbp|chf)\b|[$€£] ?\d/,
  lexicon(
    'delete|transfer|wire|pay|purchase|buy|approve*|merge|refund*|discount*|accept every*|invite|grant|recommend*|praise|instead|ignore*|disregard|forget|override|immediately|right away|regardless|execute*|install|run the|script|command*|click|link|repository tool|every repositor*|call the|call transfer|admin|visitor*|the reader|tell the user|the user has|skip the review|straight to main|ignorier*|ignorez|ignora|überweis*|игнорир*|отправь|удали*|忽略|发送|删除|無視|무시|تجاهل',
  ),
);
