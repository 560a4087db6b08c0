/** Words of orders to a model, folded, by language: what is told to forget, whose rules they are, and what they are. */
import { fold } from '../engine/fold.ts';

export interface Language {
  readonly verbs: readonly string[];
  /** Which rules: those from before, all of them, yours. */
  readonly which: readonly string[];
  readonly objects: readonly string[];
}

const language = (verbs: string, which: string, objects: string): Language => ({
  verbs: verbs.split('|').map(fold),
  which: which.split('|').map(fold),
  objects: objects.split('|').map(fold),
});

export const languages: Readonly<Record<string, Language>> = {
  en: language(
    "ignore|disregard|forget|override|bypass|discard|dismiss|skip|drop|pay no attention to|stop following|do not follow|don't follow|no longer follow|set aside|abandon|neglect|erase|supersede|pay no heed to|take no notice of|do not obey|don't obey|do not comply with",
    'previous|prior|above|earlier|preceding|before|all |any |your |system|original|initial|existing|foregoing|everything|whatever|former|developer|safety|given|up to now|so far|coding|operator',
    'instruction|rule|prompt|guideline|direction|directive|command|order|constraint|policies|policy|programming|training|context|restriction|safeguard|guardrail|message|everything|told|said|asked|guidance|taught|settings|task',
  ),
  de: language(
    'ignoriere|ignorieren sie|ignorier|vergiss|vergessen sie|missachte|missachten sie|uberschreibe|umgehe|verwirf|beachte nicht|befolge nicht',
    'vorherig|bisherig|fruher|obig|vorangegangen|alle|dein|ihre|vorigen|zuvor|system|ursprunglich',
    'anweisung|regeln|instruktion|vorgabe|befehl|richtlinie|prompt|auftrag|einschrankung|gesagt|kontext',
  ),
  fr: language(
    'ignorer|oublier|ignore|ignorez|oublie|oubliez|ne tiens pas compte|ne tenez pas compte|neglige|negligez|ne tenez plus compte|ne tiens plus compte|ne respecte plus|ne respecte aucun|ne suis plus|ne suis aucun|ne dois plus suivre|ne devez plus suivre|contourne|contournez|outrepasse|ne respecte pas|abandonne|fais abstraction|faites abstraction',
    'precedent|anterieur|ci-dessus|toutes|tout|tes |vos |votre|systeme|initial|avant|jusqu|recu|donne|auparavant',
    'instruction|consigne|regle|directive|ordre|invite|prompt|contrainte|message|dit|recues|contexte',
  ),
  es: language(
    'ya no tienes que seguir|no tienes que seguir|no respetes|olvidar|ignora|ignore|ignorar|olvida|olvide|omite|omita|descarta|descarte|desobedece|no sigas|no hagas caso|pasa por alto|haz caso omiso|haga caso omiso|anula|salta',
    'anterior|previa|previo|todas|todo|tus |sus |del sistema|inicial|de arriba|antes|original',
    'instruccion|regla|orden|indicacion|directriz|directiva|mensaje|prompt|restriccion|politica|dicho|dijer|dicen|contexto',
  ),
  pt: language(
    'ignorar|esquecer|nao precisa mais seguir|nao respeite|ignore|ignora|esqueca|esquece|desconsidere|desconsidera|desobedeca|descarte|nao siga|anule|contorne|despreze',
    'anterior|previa|previo|todas|todos|tudo|suas|teus|seus|do sistema|acima|inicial|antes|original',
    'instruc|regra|ordem|ordens|diretriz|orientac|comando|mensagem|prompt|restric|contexto|dito',
  ),
  it: language(
    'ignorare|dimenticare|non devi piu seguire|non rispettare|ignora|ignorate|ignori|dimentica|dimenticate|trascura|non seguire|scarta|disattendi|aggira|annulla|tralascia',
    'precedent|tutte|tutti|tutto|tue |tuoi |sopra|del sistema|inizial|prima|anterior|original',
    'istruzion|regol|ordin|direttiv|comand|messagg|prompt|vincol|indicazion|detto|contesto',
  ),
  nl: language(
    'je hoeft niet meer|negeer|vergeet|sla over|omzeil|overschrijf|volg niet|laat achterwege',
    'vorige|eerder|voorgaande|bovenstaande|alle|jouw|je |uw |systeem|voorafgaande',
    'instructie|regels|opdracht|aanwijzing|richtlijn|prompt|bericht|beperking|verteld|gezegd|context',
  ),
  pl: language(
    'nie musisz juz|zignoruj|ignoruj|zapomnij|pomin|nie zwracaj uwagi|odrzuc|nie przestrzegaj|porzuc',
    'poprzedni|wczesniejsz|powyzsz|powyzej|wszystk|wszystkie|wszelkie|swoje|twoje|systemow|dotychczasow',
    'instrukcj|polecen|zasad|regul|wytyczn|prompt|rozkaz|ograniczen|kontekst|powiedzian|bylo powyzej|napisane',
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
    'больше не следуи|не соблюдаи|игнорируи|игнорируй|проигнорируй|проигнорируи|забудь|забудьте|игнорируите|игнорируйте|не обращаи внимания|не обращай внимания|отбрось|не следуи|не следуй|отмени|пренебреги',
    'предыдущ|прежн|все |все, |раньше|всех|выше|ранее|свои|твои|системн|прошл|первоначальн',
    'инструкц|правил|указани|команд|промпт|приказ|ограничени|сообщени|говори|сказан|контекст',
  ),
  uk: language(
    'ігноруй|іґноруй|ігноруи|проігноруй|проігноруи|забудь|не зважай|не зважаи|знехтуй',
    'попередн|всі|усі|вище|своі|свої|системн|раніше',
    'інструкц|правил|вказівк|команд|промпт|наказ|обмежен',
  ),
  zh: language(
    '不必再|忽略|不要遵守|不再遵守|不必遵守|无视|無視|忘记|忘記|忽視|忽视|不要理会|不要理會|不要遵循|抛弃|跳过|放弃|绕过|不用管|别管',
    '之前|以前|给你|先前|上面|以上|前面|所有|一切|全部|你的|系统|系統|此前|原来|原有|上述',
    '指令|指示|规则|規則|提示|命令|要求|说明|說明|限制|约束|内容|设定|對話|对话',
  ),
  ja: language(
    '無視して|無視し、|無視する|無視せよ|無視しろ|無視しな|忘れ|従わないで|従うな|破棄|スキップ|取り消',
    '以前|前の|これまで|上記|すべて|全て|あなたの|システム|先ほど|今までの|元の|直前',
    '指示|命令|ルール|規則|プロンプト|指令|制約|メッセージ|指導',
  ),
  ko: language(
    '무시하고|무시해|무시하세요|무시하라|무시하십|잊고|잊어|잊으|따르지 마|버려|건너뛰',
    '이전|앞의|위의|모든|지금까지|너의|시스템|기존|앞선',
    '지시|명령|규칙|프롬프트|지침|메시지|제한|내용',
  ),
  ar: language(
    'تجاهل|انس|إنس|اهمل|أهمل|لا تتبع|تخط|تخل عن',
    'السابق|سابق|جميع|كل |أعلاه|اعلاه|النظام|الأصلية|الاصلية|القديمة',
    'تعليمات|التعليمات|القواعد|الأوامر|الاوامر|توجيهات|التوجيهات|القيود|الرسائل|ما قيل|ما سبق',
  ),
  hi: language(
    'अनदेखा|नजरअंदाज|नज़रअंदाज़|भूल जा|अनदेखी|उपेक्षा',
    'पिछले|पिछली|पहले|सभी|ऊपर|अपने|सिस्टम|पूर्व',
    'निर्देश|नियम|आदेश|प्रॉम्प्ट|संदेश',
  ),
  vi: language(
    'bo qua|quen di|phot lo|khong tuan theo|huy bo|hay quen|lo di',
    'truoc|tat ca|moi |o tren|he thong|ban dau|cua ban',
    'huong dan|chi thi|quy tac|lenh|loi nhac|yeu cau',
  ),
  id: language(
    'abaikan|lupakan|jangan ikuti|langgar|kesampingkan',
    'sebelum|semua|seluruh|di atas|sistem|awal|anda',
    'instruksi|perintah|aturan|arahan|petunjuk|pedoman',
  ),
  fi: language(
    'unohda|ohita|jata huomiotta|jata huomioimatta|ala noudata',
    'aiem|edelli|kaikki|ylla|jarjestelma|alkuper',
    'ohje|saan|kasky|maaray|kehot',
  ),
  el: language(
    'αγνοησε|αγνοηστε|ξεχασε|ξεχαστε|μην ακολουθ|παραβλεψε',
    'προηγουμεν|ολες|ολα|παραπανω|συστηματος|αρχικ',
    'οδηγι|εντολ|κανον|προτροπ',
  ),
  he: language(
    'התעלם|התעלמו|התעלמי|שכח|תשכח|אל תציית',
    'קודמ|הקודמ|כל |לעיל|המערכת|המקורי',
    'הוראות|ההוראות|הנחיות|ההנחיות|כללים|הכללים|פקודות',
  ),
  ro: language(
    'ignora|ignorati|uita|nu tine cont|nu respecta|treci peste',
    'anterioar|precedent|toate|de mai sus|sistemului|initial',
    'instructiun|reguli|regul|comenz|indicati|ordine',
  ),
  cs: language(
    'ignoruj|ignorujte|zapomen|zapomente|nedbej|prehlizej|ignoruji',
    'predchoz|drivej|vsechn|vyse|system|puvodn|dosavadn|predosl|vsetk',
    'pokyn|instrukc|pravid|prikaz|zadani',
  ),
  da: language(
    'ignorer|glem|se bort fra|tilsidesaet|folg ikke|overse',
    'tidligere|forrige|foregaende|ovenstaende|alle|dine|system',
    'instruktion|instruks|regler|anvisning|retningslinje|ordre|beskeder',
  ),
  hu: language(
    'hagyd figyelmen kivul|felejtsd el|ne kovesd|ignorald',
    'korabbi|elozo|osszes|minden|fenti|rendszer|eredeti',
    'utasitas|szabaly|parancs|iranyelv',
  ),
  th: language('ละเว้น|เพิกเฉย|ลืม|ไม่ต้องทำตาม|ไม่สนใจ', 'ก่อนหน้า|ทั้งหมด|ข้างต้น|ระบบ|เดิม', 'คำสั่ง|คำแนะนำ|กฎ|ข้อกำหนด'),
  fa: language(
    'ناديده بگير|نادیده بگیر|فراموش کن|توجه نکن',
    'قبلی|همه|تمام|بالا|سیستم|پیشین',
    'دستور|قوانین|قواعد|فرمان',
  ),
};

/** "Do not tell": a refusal to tell, and a person. */
export const secrecy: readonly (readonly [verbs: string, person: string])[] = [
  [
    "do not tell|don't tell|do not mention|don't mention|do not inform|don't inform|never tell|never mention|do not reveal|don't reveal|do not disclose|do not notify|without telling|without informing|without notifying|without mentioning|hide this from|keep this secret from|keep it secret from|conceal this from|do not let the user|don't let the user|do not show|don't show|do not alert|avoid mentioning|never reveal|say nothing|user must not learn|user must not know|user must not find out|user must not notice|user must never know|user should not know|user should not notice|user should not see this|user must not be told|user must not be informed|user does not need to know|user need not know|human must not know|invisible to the|hidden from the|secret from the|noticing|behind the back of|without the knowledge of|does not see this message|keep its use to yourself|keep this to yourself|as if nothing happened",
    'user|human|operator|them that|anyone|owner|maintainer',
  ],
  [
    'sag dem|sage dem|informiere den|erwahne dem|erwahne es|erwahne dies|ohne dem nutzer|ohne dem benutzer|ohne dass der|teile dem|ohne den nutzer|ohne den benutzer|verrate dem',
    'nutzer nicht|benutzer nicht|nicht|user nicht|zu informieren|nutzer|benutzer',
  ],
  [
    "a l'insu|sans que l|ne dis pas|ne dites pas|n'informe pas|n'informez pas|ne mentionne pas|ne mentionnez pas|ne le dis pas|sans informer|sans le dire|sans prevenir",
    'utilisateur',
  ],
  [
    'no avises|no le avises|sin que lo sepa|sin que el|no le digas|no digas|no informes|no menciones|no se lo digas|sin informar|sin decir|no reveles|sin avisar',
    'usuario',
  ],
  [
    'sem que o|nao avise|nao diga|nao conte|nao informe|nao mencione|sem informar|sem avisar|nao revele',
    'usuario|utilizador',
  ],
  [
    'senza dirlo|senza avvisare|senza che l|non avvisare|non dire|non dirlo|non informare|non menzionare|senza informare|senza dire|non rivelare',
    'utente',
  ],
  ['vertel de|zeg niets|informeer de|zonder de gebruiker', 'gebruiker'],
  ['nie mow|nie informuj|nie wspominaj|bez informowania|bez wiedzy', 'uzytkownik'],
  [
    'не говори|не сообщаи|не сообщай|не упоминаи|не упоминай|не рассказываи|не рассказывай|без ведома|скрои от|скрой от|чтобы пользователь не',
    'пользовател',
  ],
  ['不让|瞒着|不要通知|别让|不要告诉|不要告訴|别告诉|不得告知|不要让|不要向|切勿告知|不要提及', '用户|用戶|使用者'],
  [
    'ユーザーに|利用者に',
    '言わない|伝えない|知らせない|知らせず|伝えず|言わず|教えない|気づかれない|気づかれず|内緒|秘密',
  ],
  ['사용자에게|사용자 모르게', '말하지|알리지|언급하지|비밀|모르게'],
  ['لا تخبر|دون إخبار|دون اخبار|دون علم|لا تذكر', 'المستخدم'],
  ['kullaniciya|kullanicidan', 'soyleme|bildirme|bahsetme|gizle|haber verme'],
  ['उपयोगकर्ता को', 'न बता|मत बता|बिना'],
  ['dung noi|khong noi|khong cho', 'nguoi dung'],
  ['jangan beri tahu|jangan beritahu|tanpa memberi tahu|tanpa sepengetahuan', 'pengguna'],
];

/** Show what the operator told the model: what is asked for, and verbs that ask. */
export const leak: readonly (readonly [what: string, verbs: string])[] = [
  [
    'system prompt|system message|initial instructions|your instructions|hidden instructions|developer message|your prompt|original instructions|instructions above|prompt above|your rules|text above|hidden rules|hidden prompt|secret instructions|everything above|words above|you told before|you told at the start|rules you were given|instructions you were given|instructions you received|your system message|your configuration text|your initial prompt|pre-prompt|context window|top of this conversation|start of this conversation|first message in this conversation|beginning of this conversation|prompt you were given',
    'reveal|print|repeat|output|show|display|dump|recite|disclose|expose|tell me|write out|summarize|summarise|translate|give me|leak|what were|what was|what is your|what are your|paste|post|copy|list|quote|provide|share|send me|spell out|describe|what is written|what is at|written at',
  ],
  [
    'systemprompt|system-prompt|deine anweisungen|deine instruktionen|systemanweisung|deinen prompt|deine regeln|urspruenglichen anweisungen',
    'gib|zeige|zeig|wiederhole|nenne|verrate|drucke|schreibe|wie lautet',
  ],
  [
    'prompt systeme|invite systeme|tes instructions|instructions initiales|vos instructions|tes consignes|vos consignes',
    'affiche|revele|repete|repetez|montre|montrez|donne|donnez|imprime|ecris|quel est|quelles sont|traduis',
  ],
  [
    'prompt del sistema|tus instrucciones|instrucciones iniciales|mensaje del sistema|instrucciones que te|tus reglas',
    'muestra|muestrame|revela|repite|imprime|dime|escribe|cual es|cuales son|traduce',
  ],
  [
    'prompt do sistema|suas instrucoes|instrucoes iniciais|mensagem do sistema|suas regras',
    'mostre|revele|repita|imprima|diga|escreva|qual e|quais sao|exiba',
  ],
  [
    'prompt di sistema|tue istruzioni|istruzioni iniziali|messaggio di sistema|tue regole',
    'mostra|mostrami|rivela|ripeti|stampa|dimmi|scrivi|qual e|quali sono',
  ],
  ['systeemprompt|jouw instructies|je instructies', 'toon|laat|herhaal|geef|druk|schrijf|wat is'],
  ['prompt systemowy|swoje instrukcje|twoje instrukcje', 'pokaz|wyswietl|ujawnij|powtorz|wypisz|podaj'],
  [
    'системный промпт|системного промпта|твои инструкции|свои инструкции|системное сообщение|исходные инструкции|начальные инструкции',
    'покажи|выведи|раскрой|повтори|напечатай|напиши|какие|расскажи|процитируй',
  ],
  [
    '系统提示|系統提示|你的指令|初始指令|系统指令|你的提示词|最初的指令',
    '显示|顯示|输出|輸出|打印|告诉我|重复|透露|泄露|给我看|复述|是什么',
  ],
  ['システムプロンプト|システムメッセージ|初期指示|最初の指示', '表示|出力|教えて|公開|見せて|繰り返'],
  ['시스템 프롬프트|시스템 메시지|초기 지침|초기 지시', '보여|출력|알려|공개|반복'],
  ['موجه النظام|تعليماتك|رسالة النظام', 'اعرض|اطبع|اكشف|كرر|اظهر|اكتب'],
  ['sistem istemini|sistem promptunu|talimatlarini', 'goster|yazdir|tekrarla|acikla|paylas'],
];

/** Another role, without limits: what the role is free of, and what gives it. */
export const persona: readonly (readonly [what: string, opening: string])[] = [
  [
    "unrestricted|no restrictions|without restrictions|without any restrictions|no rules|no limits|without limits|no filter|without filter|without any filter|unfiltered|uncensored|jailbroken|dan mode|god mode|anything now|not bound by|no longer bound|free from any|freed from|never refuse|evil ai|evil assistant|no ethical|no moral|no content policy|no safety|without any safety|without safety|without ethic|without any ethic|without moral|no guardrails|without guardrails|without any limit|no limitations|without limitations|without any rules|no policies|filters are off|filters off|cannot refuse|can't refuse|must not refuse|grandmother who|grandma who",
    "you are|you're|you will be|act as|act like|acting as|pretend|roleplay|role-play|role play|behave as|behave like|assume the role|switch to|imagine|simulate|become|in character|answer as|respond as|reply as|you have been|let's play|play the role|from now on|from this moment|must answer|once as|developer mode|take on the|your name is|is an ai|who has",
  ],
  [
    'developer mode|debug mode|admin mode|maintenance mode|root mode|opposite mode|sudo mode',
    'you are now in|you are in|enter|you will enter|activate your|switch into|switch yourself',
  ],
  [
    'uneingeschrankt|ohne einschrankung|ohne jede einschrankung|ohne regeln|ohne filter|ohne grenzen|keine regeln|keine einschrankung|keine grenzen',
    'du bist|ab jetzt|ab sofort|von nun an|verhalte dich|tu so|stell dir vor|spiel|antworte als',
  ],
  [
    'sans restriction|sans aucune restriction|sans limite|sans aucune limite|sans regle|sans aucune regle|sans filtre|aucune limite|aucune regle',
    'tu es|vous etes|agis|comporte|fais comme|imagine|fais semblant|joue le role|reponds comme',
  ],
  [
    'sin restriccion|sin ninguna restriccion|sin limite|sin ningun limite|sin reglas|sin filtro|ninguna restriccion',
    'eres|a partir de ahora|actua|finge|imagina|comportate|responde como|haz de cuenta',
  ],
  [
    'sem restric|sem nenhuma restric|sem limite|sem regras|sem filtro|nenhuma restric',
    'voce e|a partir de agora|aja|finja|imagine|comporte|responda como|faca de conta',
  ],
  [
    'senza restrizion|senza alcuna restrizion|senza limit|senza regole|senza filtr|senza alcun limite|nessuna restrizione',
    'sei|da ora|agisci|fingi|immagina|comportati|rispondi come',
  ],
  ['zonder beperking|zonder regels|zonder filter|geen beperkingen', 'je bent|vanaf nu|doe alsof|gedraag|stel je voor'],
  ['bez ograniczen|bez zasad|bez filtrow', 'jestes|od teraz|udawaj|zachowuj|wyobraz'],
  [
    'без ограничени|без правил|без фильтр|без каких-либо ограничени|никаких ограничени',
    'ты теперь|теперь ты|с этого момента|веди себя|притворись|представь|отвечай как|ты ии|ты —',
  ],
  [
    '不受限制|没有限制|沒有限制|無限制|无限制|开发者模式|无视规则|任何限制|不受约束|没有道德|没有规则',
    '你现在|你現在|从现在|從現在|扮演|假装|想象|想像|你是',
  ],
  [
    '制限なし|制限のない|制約のない|制約なし|開発者モード|無制限|倫理的な制約',
    'あなたは|として|ふりを|振る舞|今から|演じ',
  ],
  ['제한이 없는|제한 없는|제약 없는|제한 없이|무제한', '너는|당신은|지금부터|인 척|하는 척|역할|행동'],
  ['بلا قيود|بدون قيود|دون قيود|دون اي قيود', 'انت |انت الان|تصرف|تظاهر|تخيل|من الان'],
  ['sinirsiz|kisitlama olmadan|kuralsiz|hicbir kisitlama', 'sen artik|simdi sen|gibi davran|rolunu|hayal et'],
];
