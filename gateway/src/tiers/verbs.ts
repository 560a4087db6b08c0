/** Verbs, and what a tool does whose name or description has them. Words are in lower case and without accents. */
import type { Tier } from '../pipeline/contracts/traits.ts';
import { folded, setOf } from './words.ts';

export interface Verb {
  readonly verb: string;
  readonly tier: Tier;
  /** Many tools are named so that do something else: other evidence wins. */
  readonly isWeak: boolean;
  /** Sends something to people, or runs what the caller writes, with the right object behind it. */
  readonly does?: 'send' | 'run';
}

const english = {
  read: `get list read search find fetch show view describe query lookup look check count browse retrieve return explain
    inspect analyze analyse summarize summarise calculate compute convert compare validate verify parse preview estimate
    detect classify translate extract scrape suggest recommend resolve explore echo ping whoami status
    info details diff history screenshot snapshot capture watch wait geocode regeocode aggregate ask research
    discover identify locate trace decode encode measure predict crawl peek poll
    obtain display print examine review audit grep glob tail dump lint query stat demonstrate tell monitor explain
    simulate fetchall whois lookup think`,
  write: `create add insert update edit modify set write append put patch upload save store rename move copy duplicate clone
    fork assign unassign link unlink attach detach enable disable start stop pause resume restart reboot open close
    archive unarchive restore star unstar like unlike follow unfollow subscribe unsubscribe tag untag label mark
    complete transition schedule draft import register configure install upgrade downgrade scale build compile commit
    invite join leave mute unmute pin unpin lock unlock click type fill press hover drag select upsert replace change
    toggle trigger generate export download sync connect disconnect login logout authenticate grant request cancel
    activate deactivate approve reject accept decline dismiss acknowledge resolve comment annotate
    turn play skip record navigate goto push pull promote retry rerun invoke merge format respond message
    initialize init make draw render crop resize rotate emulate manage adjust increase decrease
    increment decrement favorite unfavorite bookmark switch stage unstage checkout stash cordon uncordon drain
    remember learn index reindex embed train ingest provision allocate reserve launch spawn
    submit place handle control use call do perform process act interact compose
    apply bulk batch log`,
  destructive: `delete del remove rm drop destroy purge erase wipe truncate kill terminate revoke uninstall overwrite reset
    discard empty clear ban kick evict flush prune unpublish shred obliterate nuke expunge deprovision decommission
    deploy refund pay buy purchase withdraw transfer trade swap charge book rollback rebase finalize
    eradicate annihilate drop undeploy teardown expire invalidate blacklist`,
} as const;

/** Nouns as often as verbs, or verbs of many meanings. */
const weak = setOf(
  `status info details history look review log record label tag open start close use call do perform process handle make request
    record set select type turn act interact manage control bulk batch index use stage resolve submit convert
    format trace think monitor wait watch generate trigger diff scan print display compose
    transfer trade swap charge book finalize merge message respond empty clear reserve link comment star type lock pin place`,
);

const sending = 'send reply forward post notify broadcast dial publish';
const running = 'run exec execute eval evaluate sudo shell';

/** Of other languages: the forms that stand in names and at the beginning of descriptions. */
const others = {
  read: `abrufen abfragen anzeigen auflisten lesen suchen holen ruft listet liest sucht zeigt gibt liefert pruft prufen berechnet
    obtener obtiene listar lista buscar busca consultar consulta leer lee mostrar muestra ver devuelve recuperar recupera
    obter obtem ler exibir exibe mostrar mostra retorna
    rechercher recherche lister liste lire lit afficher affiche obtenir obtient recuperer recupere consulter consulte renvoie
    ottenere ottieni elenca elencare cercare cerca leggere legge mostrare restituisce visualizza
    ophalen haalt zoeken zoekt lezen leest tonen toont
    pobierz pobiera wyszukaj wyszukuje lista odczytaj pokaz
    получить получает найти поиск показать показывает прочитать читает список возвращает ищет`,
  write: `anlegen anlegt erstellen erstellt hinzufugen aktualisieren aktualisiert andern andert hochladen ladt speichern speichert
    verschieben umbenennen bearbeiten schreiben schreibt legt fugt
    crear crea agregar agrega actualizar actualiza modificar modifica guardar guarda subir sube editar edita anadir
    criar cria adicionar adiciona atualizar atualiza salvar editar enviar_arquivo
    creer cree ajouter ajoute modifier modifie mettre enregistrer enregistre televerser
    creare aggiungere aggiunge aggiornare aggiorna modificare salvare
    maken maakt toevoegen wijzigen bijwerken opslaan
    utworz dodaj zaktualizuj zmien zapisz
    создать создает добавить добавляет обновить обновляет изменить изменяет сохранить записать загрузить`,
  destructive: `loschen loscht loeschen loescht losche entfernen entfernt vernichten vernichtet uberschreiben uberschreibt stornieren
    storniert widerrufen widerruft kundigen beenden beendet zurucksetzen uberweisen uberweist bezahlen bezahlt leeren leert
    eliminar elimina borrar borra suprimir quitar quita anular anula sobrescribir revocar pagar paga transferir transfiere
    reembolsar vaciar vacia destruir destruye
    excluir exclui apagar apaga deletar deleta remover remove revogar sobrescrever destruir
    supprimer supprime effacer efface retirer detruire detruit ecraser ecrase revoquer resilier payer rembourser vider vide
    eliminare cancellare cancella rimuovere rimuove distruggere sovrascrivere revocare pagare svuotare
    verwijderen verwijdert wissen wist overschrijven intrekken betalen vernietigen
    usun usuwa skasuj kasuje wyczysc nadpisz zniszcz
    удалить удаляет удали стереть стирает очистить очищает уничтожить отозвать перезаписать оплатить перевести`,
  send: `senden sendet versenden versendet verschicken verschickt enviar envia envoyer envoie inviare invia versturen verstuurt
    wyslij отправить отправляет publicar publica publier veroffentlichen veroffentlicht`,
  run: `ausfuhren ausfuhrt ejecutar ejecuta executar executa executer esegui eseguire uitvoeren wykonaj выполнить выполняет`,
} as const;

const verbs = new Map<string, Verb>();

function add(words: string, tier: Tier, more: Partial<Pick<Verb, 'does' | 'isWeak'>> = {}): void {
  for (const verb of words.split(/\s+/))
    if (!verbs.has(verb)) verbs.set(verb, { verb, tier, isWeak: weak.has(verb), ...more });
}

// What stands first wins, so that a word that is in two lists counts as the more dangerous one.
add(sending, 'destructive', { does: 'send' });
add(running, 'destructive', { does: 'run' });
add(others.send, 'destructive', { does: 'send' });
add(others.run, 'destructive', { does: 'run' });
add(english.destructive, 'destructive');
add(english.write, 'write');
add(english.read, 'read');
add(others.destructive, 'destructive');
add(others.write, 'write');
add(others.read, 'read');

/** `deletes`, `queries`, `deleting`, and the verb itself; of `deleted` nothing, which says what something is. */
const inflected = new Map<string, Verb>(verbs);
for (const [word, verb] of verbs) {
  if (!/^[a-z]+$/.test(word)) continue;
  const stem = word.endsWith('e') ? word.slice(0, -1) : word;
  const last = word.at(-1) ?? '';
  for (const form of [
    `${word}s`,
    `${word}es`,
    `${word}${last}es`,
    `${stem}ing`,
    `${word}${last}ing`,
    ...(word.endsWith('y') ? [`${word.slice(0, -1)}ies`] : []),
  ])
    if (!inflected.has(form)) inflected.set(form, verb);
}

/** In a name: the verb itself, or as `deletes`. */
export function verbInName(word: string): Verb | undefined {
  const verb = inflected.get(word);
  return verb === undefined || word.endsWith('ing') ? verbs.get(word) : verb;
}

export function verbInText(word: string): Verb | undefined {
  return inflected.get(word);
}

/** Languages that put no spaces between words. What stands first in a text leads it. */
const unspaced: readonly (readonly [words: string, tier: Tier, does?: 'send' | 'run'])[] = [
  [
    '删除 刪除 清空 移除 销毁 注销 卸载 退款 转账 转帐 撤销 覆盖 重置 吊销 解雇 削除 消去 破棄 返金 送金 上書き 初期化 삭제 제거 환불 송금 초기화',
    'destructive',
  ],
  ['发送 發送 发布 發布 发表 發表 群发 送信 投稿 公開する 전송 보내기 게시', 'destructive', 'send'],
  ['执行命令 执行代码 执行脚本 执行 運行 运行 コマンドを実行 スクリプトを実行 실행', 'destructive', 'run'],
  [
    '创建 創建 新建 添加 更新 修改 编辑 上传 保存 设置 移动 重命名 作成 追加 登録 編集 変更 保存 생성 추가 수정 업데이트 저장',
    'write',
  ],
  [
    '查询 查詢 获取 獲取 搜索 查看 列出 检索 读取 检查 转换 规划 返回 搜 取得 検索 一覧 参照 表示 確認 조회 검색 가져오기 목록 확인',
    'read',
  ],
];
const unspacedVerbs: readonly (readonly [string, Verb])[] = unspaced.flatMap(([words, tier, does]) =>
  words.split(' ').map((word) => {
    const verb = folded(word, 32);
    return [verb, { verb, tier, isWeak: false, ...(does !== undefined && { does }) }] as const;
  }),
);
/** Of these one is enough, wherever it stands. */
const plainlyDestructive = ['删除', '刪除', '清空', '销毁', '削除', '消去', '삭제'].map((word) => folded(word, 8));

const hasUnspaced = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/;
const maxUnspaced = 1_024;

/** The verb that leads a text in Chinese, Japanese or Korean, and whether it deletes anywhere. */
export function unspacedVerb(text: string): Verb | undefined {
  if (!hasUnspaced.test(text)) return undefined;
  const searched = folded(text, maxUnspaced);
  const deletes = plainlyDestructive.find((word) => searched.includes(word));
  if (deletes !== undefined) return { verb: deletes, tier: 'destructive', isWeak: false };
  let first: Verb | undefined;
  let at = searched.length;
  for (const [word, verb] of unspacedVerbs) {
    const found = searched.indexOf(word);
    if (found !== -1 && found < at) [first, at] = [verb, found];
  }
  return first;
}
