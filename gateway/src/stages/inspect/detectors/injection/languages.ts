/** Words of orders to a model, folded, by language: what is told to forget, whose rules they are, and what they are. */

export interface Language {
  readonly verbs: readonly string[];
  /** Which rules: those from before, all of them, yours. */
  readonly which: readonly string[];
  readonly objects: readonly string[];
}

const language = (verbs: string, which: string, objects: string): Language => ({
  verbs: verbs.split('|'),
  which: which.split('|'),
  objects: objects.split('|'),
});

export const languages: Readonly<Record<string, Language>> = {
  en: language(
    "ignore|disregard|forget|override|bypass|discard|dismiss|skip|drop|pay no attention to|stop following|do not follow|don't follow|no longer follow|set aside|abandon|neglect|erase|cancel|supersede",
    'previous|prior|above|earlier|preceding|before|all |any |your |system|original|initial|existing|foregoing|everything|former|developer|safety|given|up to now|so far',
    'instruction|rule|prompt|guideline|direction|directive|command|order|constraint|policies|policy|programming|training|context|restriction|safeguard|guardrail|message|everything|told|said|task',
  ),
  de: language(
    'ignoriere|ignorieren sie|ignorier|vergiss|vergessen sie|missachte|missachten sie|uberschreibe|umgehe|verwirf|beachte nicht|befolge nicht',
    'vorherig|bisherig|fruher|obig|vorangegangen|alle|dein|ihre|vorigen|zuvor|system|ursprunglich',
    'anweisung|regel|instruktion|vorgabe|befehl|richtlinie|prompt|auftrag|einschrankung|gesagt|kontext',
  ),
  fr: language(
    'ignore|ignorez|oublie|oubliez|ne tiens pas compte|ne tenez pas compte|neglige|negligez|contourne|contournez|outrepasse|ne respecte pas|abandonne|fais abstraction|faites abstraction',
    'precedent|anterieur|ci-dessus|toutes|tout|tes |vos |votre|systeme|initial|avant',
    'instruction|consigne|regle|directive|ordre|invite|prompt|contrainte|message|dit|contexte',
  ),
  es: language(
    'ignora|ignore|ignorar|olvida|olvide|omite|omita|descarta|descarte|desobedece|no sigas|no hagas caso|pasa por alto|haz caso omiso|haga caso omiso|anula|salta',
    'anterior|previa|previo|todas|todo|tus |sus |del sistema|inicial|de arriba|antes|original',
    'instruccion|regla|orden|indicacion|directriz|directiva|mensaje|prompt|restriccion|politica|dicho|contexto',
  ),
  pt: language(
    'ignore|ignora|esqueca|esquece|desconsidere|desconsidera|desobedeca|descarte|nao siga|anule|contorne|despreze',
    'anterior|previa|previo|todas|todos|tudo|suas|teus|seus|do sistema|acima|inicial|antes|original',
    'instruc|regra|ordem|ordens|diretriz|orientac|comando|mensagem|prompt|restric|contexto|dito',
  ),
  it: language(
    'ignora|ignorate|ignori|dimentica|dimenticate|trascura|non seguire|scarta|disattendi|aggira|annulla|tralascia',
    'precedent|tutte|tutti|tutto|tue |tuoi |sopra|del sistema|inizial|prima|anterior|original',
    'istruzion|regol|ordin|direttiv|comand|messagg|prompt|vincol|indicazion|detto|contesto',
  ),
  nl: language(
    'negeer|vergeet|sla over|omzeil|overschrijf|volg niet|laat achterwege',
    'vorige|eerdere|voorgaande|bovenstaande|alle|jouw|je |uw |systeem|voorafgaande',
    'instructie|regel|opdracht|aanwijzing|richtlijn|prompt|bericht|beperking|context',
  ),
  pl: language(
    'zignoruj|ignoruj|zapomnij|pomin|nie zwracaj uwagi|odrzuc|nie przestrzegaj|porzuc',
    'poprzedni|wczesniejsz|powyzsz|wszystkie|wszelkie|swoje|twoje|systemow|dotychczasow',
    'instrukcj|polecen|zasad|regul|wytyczn|prompt|rozkaz|ograniczen|kontekst',
  ),
  sv: language(
    'ignorera|glom|bortse fran|asidosatt|folj inte|strunta i',
    'tidigare|foregaende|ovanstaende|alla|dina|system',
    'instruktion|regler|anvisning|riktlinj|prompt|order|kommando',
  ),
  tr: language(
    'yok say|gormezden gel|unut|dikkate alma|goz ardi et|uyma',
    'onceki|yukaridaki|tum|butun|sistem|daha once',
    'talimat|kural|komut|yonerge|istem|emir|mesaj',
  ),
  ru: language(
    'игнорируи|игнорируй|проигнорируй|проигнорируи|забудь|забудьте|игнорируите|игнорируйте|не обращаи внимания|не обращай внимания|отбрось|не следуи|не следуй|отмени|пренебреги',
    'предыдущ|прежн|все |всех|выше|ранее|свои|твои|системн|прошл|первоначальн',
    'инструкц|правил|указани|команд|промпт|приказ|ограничени|сообщени|контекст',
  ),
  uk: language(
    'ігноруй|іґноруй|ігноруи|проігноруй|проігноруи|забудь|не зважай|не зважаи|знехтуй',
    'попередн|всі|усі|вище|своі|свої|системн|раніше',
    'інструкц|правил|вказівк|команд|промпт|наказ|обмежен',
  ),
  zh: language(
    '忽略|无视|無視|忘记|忘記|忽視|忽视|不要理会|不要理會|不要遵循|抛弃|跳过|放弃|绕过|不用管|别管',
    '之前|以前|先前|上面|以上|前面|所有|一切|全部|你的|系统|系統|此前|原来|原有|上述',
    '指令|指示|规则|規則|提示|命令|要求|说明|說明|限制|约束|内容|设定|對話|对话',
  ),
  ja: language(
    '無視|忘れ|従わないで|従うな|破棄|スキップ|取り消',
    '以前|前の|これまで|上記|すべて|全て|あなたの|システム|先ほど|今までの|元の|直前',
    '指示|命令|ルール|規則|プロンプト|指令|制約|説明|メッセージ|設定',
  ),
  ko: language(
    '무시|잊어|잊으|따르지 마|버려|건너뛰',
    '이전|앞의|위의|모든|지금까지|너의|시스템|기존|앞선',
    '지시|명령|규칙|프롬프트|지침|메시지|제한|설정',
  ),
  ar: language(
    'تجاهل|انس|إنس|اهمل|أهمل|لا تتبع|تخط|تخل عن',
    'السابق|جميع|كل |أعلاه|اعلاه|النظام|الأصلية|الاصلية|القديمة',
    'تعليمات|التعليمات|القواعد|الأوامر|الاوامر|توجيهات|التوجيهات|القيود|الرسائل',
  ),
  hi: language(
    'अनदेखा|नजरअंदाज|नज़रअंदाज़|भूल जा|अनदेखी|उपेक्षा',
    'पिछले|पिछली|पहले|सभी|ऊपर|अपने|सिस्टम|पूर्व',
    'निर्देश|नियम|आदेश|प्रॉम्प्ट|संदेश',
  ),
};

/** Tell nobody: a refusal to tell, and whom. */
export const secrecy: readonly (readonly [verbs: string, whom: string])[] = [
  [
    "do not tell|don't tell|do not mention|don't mention|do not inform|don't inform|never tell|never mention|do not reveal|don't reveal|do not disclose|do not notify|without telling|without informing|without notifying|without mentioning|hide this from|keep this secret from|keep it secret from|conceal this from|do not let the user|don't let the user|do not show|don't show|do not alert|avoid mentioning|never reveal|say nothing",
    'user|human|operator|them that|anyone|owner',
  ],
  [
    'sag dem|sage dem|informiere den|erwahne dem|erwahne es|erwahne dies|ohne den nutzer|ohne den benutzer|verrate dem',
    'nutzer nicht|benutzer nicht|nicht|user nicht|zu informieren',
  ],
  [
    "ne dis pas|ne dites pas|n'informe pas|n'informez pas|ne mentionne pas|ne mentionnez pas|ne le dis pas|sans informer|sans le dire|sans prevenir",
    'utilisateur',
  ],
  [
    'no le digas|no digas|no informes|no menciones|no se lo digas|sin informar|sin decir|no reveles|sin avisar',
    'usuario',
  ],
  ['nao diga|nao conte|nao informe|nao mencione|sem informar|sem avisar|nao revele', 'usuario|utilizador'],
  ['non dire|non dirlo|non informare|non menzionare|senza informare|senza dire|non rivelare', 'utente'],
  ['vertel de|zeg niets|informeer de|zonder de gebruiker', 'gebruiker'],
  ['nie mow|nie informuj|nie wspominaj|bez informowania|bez wiedzy', 'uzytkownik'],
  ['не говори|не сообщаи|не сообщай|не упоминаи|не упоминай|не рассказываи|не рассказывай|без ведома', 'пользовател'],
  ['不要告诉|不要告訴|别告诉|不得告知|不要让|不要向|切勿告知|不要提及', '用户|用戶|使用者'],
  ['ユーザーに', '言わない|伝えない|知らせない|教えない|気づかれない|内緒'],
  ['사용자에게', '말하지|알리지|언급하지|비밀'],
  ['لا تخبر|دون إخبار|لا تذكر', 'المستخدم'],
  ['kullaniciya', 'soyleme|bildirme|bahsetme'],
];

/** Show what the operator told the model. */
export const leak: readonly (readonly [verbs: string, what: string])[] = [
  [
    'reveal|print|repeat|output|show me|display|dump|recite|disclose|expose|tell me|write out|summarize|translate|give me|leak|return',
    'system prompt|system message|initial instructions|your instructions|hidden instructions|developer message|your prompt|original instructions|instructions above|prompt above|your rules|text above',
  ],
  [
    'zeige|gib|wiederhole|nenne|verrate|drucke',
    'systemprompt|system-prompt|deine anweisungen|systemanweisung|deinen prompt',
  ],
  [
    'affiche|revele|repete|montre|donne|imprime',
    'prompt systeme|invite systeme|tes instructions|instructions initiales|vos instructions',
  ],
  [
    'muestra|revela|repite|imprime|dime|escribe',
    'prompt del sistema|tus instrucciones|instrucciones iniciales|mensaje del sistema',
  ],
  ['mostre|revele|repita|imprima|diga', 'prompt do sistema|suas instrucoes|instrucoes iniciais'],
  ['mostra|rivela|ripeti|stampa|dimmi', 'prompt di sistema|tue istruzioni|istruzioni iniziali'],
  [
    'покажи|выведи|раскрои|раскрой|повтори|напечатаи|напечатай',
    'системный промпт|системныи промпт|твои инструкции|свои инструкции|системное сообщение',
  ],
  ['显示|输出|打印|告诉我|重复|透露|泄露', '系统提示|系統提示|你的指令|初始指令|系统指令'],
  ['表示|出力|教えて|公開', 'システムプロンプト|システムメッセージ'],
  ['보여|출력|알려|공개', '시스템 프롬프트|시스템 메시지'],
];

/** Another role, without limits. */
export const persona: readonly (readonly [opening: string, what: string])[] = [
  [
    'you are now|from now on you|act as|pretend to be|pretend you|roleplay as|behave as|you will act|assume the role|switch to',
    'unrestricted|no restrictions|without restrictions|without any restrictions|no rules|no limits|no filter|unfiltered|uncensored|jailbroken|jailbreak|dan mode|developer mode|god mode|do anything now|not bound by|free from|no longer bound|evil|root access|admin mode|maintenance mode|debug mode|no ethical',
  ],
  [
    'du bist jetzt|ab jetzt bist du|verhalte dich wie|tu so als',
    'uneingeschrankt|ohne einschrankung|ohne regeln|entwicklermodus|ohne filter',
  ],
  [
    'tu es maintenant|tu es desormais|agis comme|fais comme si',
    'sans restriction|sans limite|sans regles|mode developpeur|sans filtre',
  ],
  [
    'ahora eres|a partir de ahora eres|actua como|finge ser',
    'sin restricciones|sin limites|sin reglas|modo desarrollador|sin filtro',
  ],
  [
    'voce agora e|a partir de agora voce|aja como|finja ser',
    'sem restricoes|sem limites|sem regras|modo desenvolvedor|sem filtro',
  ],
  [
    'ora sei|da ora sei|agisci come|fingi di essere',
    'senza restrizioni|senza limiti|senza regole|modalita sviluppatore',
  ],
  ['ты теперь|теперь ты|веди себя как|притворись', 'без ограничени|без правил|режим разработчика|без фильтров'],
  [
    '你现在是|從現在起你|从现在起你|从现在开始你|扮演',
    '不受限制|没有限制|無限制|开发者模式|无视规则|没有任何限制|不受任何限制',
  ],
  ['あなたは今から|今からあなたは|として振る舞', '制限なし|制限のない|制約のない|開発者モード'],
];
