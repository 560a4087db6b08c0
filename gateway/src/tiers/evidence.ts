/** What the name, the title and the description of a tool say it does. */
import type { Tier } from '../pipeline/contracts/traits.ts';
import type { ArgumentFacts } from './arguments.ts';
import { unspacedVerb, type Verb, verbInName, verbInText } from './verbs.ts';
import { maxText, meets, setOf, type Word, wordsOfName, wordsOfText } from './words.ts';

export interface TextEvidence {
  /** By the verb of its name, and of the beginning of its description; absent where there is none. */
  readonly inName?: Tier;
  readonly leads?: Tier;
  readonly verb: string;
  readonly leading: string;
  /** It runs code, commands or statements that the caller writes. */
  readonly isRunning: boolean;
  readonly claimsReadOnly: boolean;
  /** A verb further on that destroys. */
  readonly alsoDestroys?: string;
  /** Words such as `irreversible`. */
  readonly says?: string;
  readonly isSending: boolean;
  /** Of the name, and of the beginning of the description. */
  readonly nameWords: readonly string[];
  readonly objects: ReadonlySet<string>;
}

interface Texts {
  readonly name: string;
  readonly title: string;
  readonly description: string;
}

/** Words of a description in which its object is looked for. */
const firstWords = 20;

const code =
  setOf(`command commands cmd code script scripts shell bash powershell terminal cli sql cypher python javascript js
  typescript applescript apex statement statements snippet expression queries query psql plsql gremlin kubectl jql`);
const codeArguments =
  setOf(`command cmd commands code script shell sql pythoncode codesnippet apexcode clicommand sqlstatements
  javascript expression sourcecode snippet statement statements cellsource cypher soql`);
/** What is run is there already. */
const ready = setOf(
  'container image pod pods workflow workflows pipeline job jobs actor test tests task report check scan',
);
const people =
  setOf(`message messages email emails mail mails sms tweet tweets dm notification notifications notify newsletter
  invitation invitations invoice whatsapp telegram slack discord chat fax letter comment reply post thread mms call`);
const peopleArguments = setOf(
  'to recipient recipients receiveid channelid channel phone phonenumber chatid subject cc bcc empfaenger tos',
);
const soft =
  setOf(`label labels tag tags reaction reactions star favorite favorites bookmark assignee assignees track tracks watcher
  playlist cart dependency dependencies emoji highlight pin`);
const money = setOf(
  'order orders subscription subscriptions booking bookings reservation payment payments membership trip',
);
const applied = setOf('migration migrations run manifest manifests plan terraform yaml ddl changes');
const merged = setOf('request pull branch branches mr pr main');
const disks = setOf('disk disks drive partition volume sd device filesystem');
const readingWords = setOf('select read explain describe');
const irreversible =
  setOf(`irreversible irreversibly permanently undone unrecoverable irrecoverable overwrite overwrites overwritten
  unwiderruflich endgultig permanentemente definitivement irreversiblement irreversivel definitivamente безвозвратно`);
const searching = setOf('search query list find lookup filter count');

export function evidenceOf({ name, title, description }: Texts, args: ArgumentFacts): TextEvidence {
  const nameWords = wordsOfName(name);
  const words = wordsOfText(description);
  const objects = new Set([...nameWords, ...wordsOfName(title), ...words.slice(0, firstWords).map(({ word }) => word)]);
  const named = verbOfName(nameWords) ?? verbOfName(wordsOfName(title));
  const led = leadOf(words) ?? unspacedVerb(description) ?? unspacedVerb(name);
  const about = { nameWords, objects, args };
  const isRunning = runs(named, led, about);
  const nameTier = named === undefined ? undefined : tierOf(named, about, 'name');
  const ledTier = led === undefined ? undefined : tierOf(led, about, 'text');
  // Where a name has only a word of many meanings, the description tells which one is meant.
  const inName = named?.isWeak === true && led !== undefined && !led.isWeak ? undefined : nameTier;
  const leads = led?.isWeak === true && inName !== undefined ? undefined : ledTier;
  const alsoDestroys = words.find(({ word, begins }) => begins && destroys(verbInText(word), about))?.word;
  const says = signOf(words, description);
  return {
    ...(inName !== undefined && { inName }),
    ...(leads !== undefined && { leads }),
    verb: named?.verb ?? '',
    leading: led?.verb ?? '',
    isRunning,
    claimsReadOnly: isRunning && claimsReadOnly(nameWords, words),
    ...(alsoDestroys !== undefined && { alsoDestroys: verbInText(alsoDestroys)?.verb ?? '' }),
    ...(says !== undefined && { says }),
    isSending: sends(named, about, 'name') || sends(led, about, 'text') || createsMessage(named, about),
    nameWords,
    objects,
  };
}

interface About {
  readonly nameWords: readonly string[];
  readonly objects: ReadonlySet<string>;
  readonly args: ArgumentFacts;
}

/** The first verb; one of a single meaning before one of many. `get_and_delete` is one that deletes. */
function verbOfName(words: readonly string[]): Verb | undefined {
  let found: Verb | undefined;
  // `API-post-page`, as servers made from OpenAPI have it.
  if (words[0] === 'api' && words[1] === 'post') return verbInName(meets(words, searching) ? 'search' : 'create');
  for (const [index, word] of words.entries()) {
    const verb = verbInName(word);
    if (verb === undefined) continue;
    const isJoined = words[index - 1] === 'and' || words[index - 1] === 'or' || words[index - 1] === 'then';
    if (found === undefined || (found.isWeak && !verb.isWeak) || (isJoined && verb.tier === 'destructive'))
      found = verb;
  }
  return found;
}

/** The verb with which a description begins: that of the first clause that has one, among its first words. */
function leadOf(words: readonly Word[]): Verb | undefined {
  for (const { word, begins } of words.slice(0, firstWords)) {
    const verb = begins ? verbInText(word) : undefined;
    if (verb !== undefined) return verb;
  }
  return undefined;
}

/** The tier of a verb with what stands around it. */
function tierOf(verb: Verb, about: About, where: 'name' | 'text'): Tier {
  const { objects, args } = about;
  const near = where === 'name' ? about.nameWords : objects;
  switch (verb.verb) {
    case 'remove':
    case 'clear':
      return meets(about.nameWords, soft) ? 'write' : 'destructive';
    case 'cancel':
      return meets(near, money) ? 'destructive' : 'write';
    case 'place':
    case 'process':
      return meets(near, money) ? 'destructive' : 'write';
    case 'close':
      return meets(about.nameWords, positions) ? 'destructive' : 'write';
    case 'apply':
      return meets(near, applied) ? 'destructive' : 'write';
    case 'merge':
      return meets(near, merged) ? 'destructive' : 'write';
    case 'format':
      return meets(near, disks) ? 'destructive' : 'read';
    case 'create':
      return objects.has('refund') || createsMessage(verb, about) ? 'destructive' : 'write';
    case 'write':
    case 'save':
      return about.nameWords.includes('file') && args.names.has('content') ? 'destructive' : 'write';
    case 'publish':
    case 'send':
      return where === 'name' || verb.verb === 'publish' || sends(verb, about, where) ? 'destructive' : 'write';
  }
  if (verb.does === 'send') return sends(verb, about, where) ? 'destructive' : 'write';
  if (verb.does === 'run') return 'write';
  return verb.tier;
}

const positions = setOf('position positions account accounts trade');

function sends(verb: Verb | undefined, { nameWords, objects, args }: About, where: 'name' | 'text'): boolean {
  if (verb?.does !== 'send') return false;
  return meets(where === 'name' ? nameWords : objects, people) || meets(args.names, peopleArguments);
}

/** `CreateMessage` with a recipient sends it. */
function createsMessage(verb: Verb | undefined, { nameWords, args }: About): boolean {
  return (
    verb?.verb === 'create' &&
    meets(nameWords, people) &&
    (args.names.has('to') || args.names.has('receiveid') || args.names.has('recipient'))
  );
}

function runs(named: Verb | undefined, led: Verb | undefined, { nameWords, objects, args }: About): boolean {
  if (args.words.has('sql')) return true;
  if (meets(nameWords, executing) && (meets(objects, code) || meets(args.names, codeArguments))) return true;
  if (named?.does === 'run' || led?.does === 'run') {
    if (meets(nameWords, code)) return true;
    if (meets(nameWords, ready)) return false;
    return meets(objects, code) || meets(args.names, codeArguments);
  }
  const isProcess = meets(nameWords, processes) && (args.names.has('command') || args.names.has('input'));
  return isProcess && named?.tier !== 'read';
}

const executing = setOf('exec execute eval evaluate');
const processes = setOf('process terminal shell console tty');

function claimsReadOnly(nameWords: readonly string[], words: readonly Word[]): boolean {
  if (meets(nameWords, readingWords)) return true;
  return words.some(
    ({ word }, index) =>
      word === 'select' ||
      (word === 'read' && words[index + 1]?.word === 'only') ||
      word === 'readonly' ||
      word === 'explain',
  );
}

function destroys(verb: Verb | undefined, about: About): boolean {
  if (verb === undefined || verb.tier !== 'destructive' || verb.isWeak || verb.does !== undefined) return false;
  return tierOf(verb, about, 'text') === 'destructive';
}

const methods = ['DELETE /', 'HTTP DELETE', 'DELETE request'];

function signOf(words: readonly Word[], description: string): string | undefined {
  const beginning = description.length > maxText ? description.slice(0, maxText) : description;
  if (methods.some((method) => beginning.includes(method))) return 'DELETE';
  return words.find(({ word }, index) => irreversible.has(word) || (word === 'lost' && words[index - 1]?.word === 'be'))
    ?.word;
}
