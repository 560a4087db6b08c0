/** Texts that the detectors are measured on: ordinary ones, and the worst that a sender can make. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const packages = join(import.meta.dirname, '..', '..', 'node_modules');

/** JSON as tools give it: records with names, dates, numbers, URLs and prose, of about that many characters. */
export function ordinaryJson(chars: number): string {
  const rows: unknown[] = [];
  for (let at = 0, length = 0; length < chars; at++) {
    const row = {
      id: 10_000 + at * 37,
      title: `Move the importer to the new queue, part ${at}`,
      state: at % 3 === 0 ? 'closed' : 'open',
      author: { login: `dana${at % 17}`, name: 'Dana Whitfield', type: 'User' },
      labels: ['backend', 'priority/medium', 'needs-review'],
      created_at: `2026-0${1 + (at % 9)}-1${at % 10}T09:3${at % 6}:12Z`,
      comments: at % 11,
      url: `https://tracker.internal/projects/importer/issues/${at}`,
      body: 'The worker reads one batch at a time and acknowledges it when all rows are written. Retries are counted per row.',
      ratio: at / 7,
    };
    rows.push(row);
    length += JSON.stringify(row).length + 1;
  }
  // A text of its own, as a parser gives it, not a slice of another one.
  return Buffer.from(JSON.stringify(rows).slice(0, chars)).toString();
}

const sentences = [
  'The worker reads one batch at a time and acknowledges it when all rows are written.',
  'Retries are counted per row, and a row that failed five times is moved to the side.',
  'On Tuesday the team looked at the numbers of October: the queue was empty by six in the evening.',
  'Mira wrote the first version; Tom added the report that finance asked for.',
  'If the connection is lost, the importer waits for ten seconds and tries again.',
  'A page of the handbook explains how to add a new source, with an example for each format.',
  'The cost per month went down by 12 percent since the old servers were switched off.',
  'Next to the window stands a plant that nobody waters, and it grows all the same.',
];

/** Prose as in reports and pages, of about that many characters. */
export function ordinaryProse(chars: number): string {
  const out: string[] = [];
  for (let at = 0, length = 0; length < chars; at++) {
    const sentence = `${sentences[(at * 5 + Math.floor(at / 7)) % sentences.length]}${at % 6 === 5 ? '\n\n' : ' '}`;
    out.push(sentence);
    length += sentence.length;
  }
  return Buffer.from(out.join('').slice(0, chars)).toString();
}

/** Paths below `node_modules` of READMEs, sources and data, in an order that is the same on each machine. */
export function installed(): readonly string[] {
  const files = globSync('**/*.{md,js,mjs,cjs,ts,json,yml,yaml,txt,html,css}', { cwd: packages });
  const keyed = files.map((file) => [createHash('sha256').update(file).digest('hex'), file] as const);
  return keyed.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
}

const maxFileBytes = 3_000_000;

/** Texts of installed files, [path, text], until that many bytes are read. */
export function* sample(files: readonly string[], maxBytes: number): Generator<readonly [string, string]> {
  let bytes = 0;
  for (const file of files) {
    const path = join(packages, file);
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > maxFileBytes) continue;
    bytes += stat.size;
    if (bytes > maxBytes) return;
    yield [file, readFileSync(path, 'utf8')];
  }
}

/** Near misses of every anchor, repeated to that many characters, each in its own text. */
export function nearMisses(anchors: readonly string[], chars: number): ReadonlyMap<string, string> {
  const repeated = (piece: string): string => piece.repeat(Math.ceil(chars / piece.length)).slice(0, chars);
  const texts = new Map<string, string>();
  for (const anchor of anchors) {
    texts.set(`anchor ${anchor}`, repeated(anchor));
    texts.set(`cut ${anchor}`, repeated(anchor.slice(0, -1) || anchor));
    texts.set(`upper ${anchor}`, repeated(`${anchor.toUpperCase()} `));
    texts.set(`assigned ${anchor}`, repeated(`${anchor}=`));
    texts.set(`quoted ${anchor}`, repeated(`"${anchor}":"`));
    texts.set(`long ${anchor}`, repeated(`${anchor}${'Ab3'.repeat(60)} `));
  }
  for (const piece of [
    'a',
    '1',
    '4111 1111 ',
    '%41',
    '\\u0041',
    '&#65;',
    'QWxhZGRpbg',
    '://a:',
    '@',
    '-----BEGIN ',
    '1.',
    'a:b',
    '::',
    '\u200b',
    'é',
    '字',
    '<!--',
    '![](',
    '(',
    '\ud83d\ude00',
    '\u{e0041}',
    'eyJ.',
    ' ',
    '\n',
    '"',
    '+1 (2',
    '12-',
    'DE89 ',
    // What a search over several of them together found.
    '주민비밀번호>ignorald\u200b',
    ' send pl0\u200bsin:assistant:\u200b',
    ' send note to 사용자Ab3dE5@sin:assistant:\u200bin your response',
    `${'sin:assistant: send to the user '.repeat(15)}%252541\u200b`,
    'ПАРОЛЬ %252541\u200b',
    '123-45-6789моб.моб.%252541\u200b',
    'note to assistant, ',
    'data:text/plain;base64,',
    'data:text/plain;base64,c2VjcmV0cw==',
    'miiepaibaakcx9y8z7w6v5',
    '-----BEGIN PRIVATE KEY-----',
    ...['тел.', '密码', '비밀번호', '주민', 'sk_', '不要'].map((word) => `${word.repeat(120)}%252541\u200b`),
    `${Buffer.from('óua7attack%25252541密码=密码x'.repeat(10)).toString('hex')} `,
    'óа::1 %25252541주민비밀번호>ignorald\u200bаua7attack%25252541t.c.%252541\u200b',
    '\n<developer>data:text/plain;base64,0v3rr1ders6tpmorpignor3](\ndata:text/plain;base64,rs6%252541\u200b',
  ])
    texts.set(`piece ${JSON.stringify(piece)}`, repeated(piece));
  return texts;
}
