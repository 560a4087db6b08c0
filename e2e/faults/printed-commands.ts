/** Commands as they stand in documents, in help and in remedies, and what becomes of them when they are typed. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { commandNames } from '../../gateway/src/cli/commands.ts';
import { program } from '../../gateway/src/cli/main.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Printed {
  /** The file, or the command whose help it is. */
  readonly where: string;
  readonly words: readonly string[];
}

/** Words as a shell would make them, without what a comment, a pipe or another command adds. */
function wordsOf(text: string): readonly string[] {
  const words = text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  const end = words.findIndex((word) => /^(?:#|\||&&|<|>|;|\|\|)/.test(word));
  const last = words.findIndex((word) => /[,.]$/.test(word)) + 1;
  const own = words.slice(0, Math.min(...[end, last].map((at) => (at < 1 ? words.length : at))));
  return own.map((word) => word.replace(/[,.]$/, '')).map((word) => word.replace(/["']([^"']*)["']/g, '$1'));
}

const begin = /(?:^|[\s|(`'"]|&& )(?:sallyport|node gateway\/bin\/sallyport\.js) ((?!-verify)[^\n]*)/g;

function commandsIn(where: string, text: string): readonly Printed[] {
  // A line that ends with a backslash goes on; an image and a unit are called sallyport as well, and take no command here.
  return [...text.replaceAll(/\\\n\s*/g, ' ').matchAll(begin)]
    .map(([, rest = '']) => ({ where, words: wordsOf(rest) }))
    .filter(({ words }) => (words[0] ?? '') !== '');
}

/** Blocks of shell, and code within sentences. */
export function inDocuments(): readonly Printed[] {
  const files = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...globSync('{docs,examples}/**/*.md', { cwd: root })];
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const blocks = [...text.matchAll(/```(\w*)\n([^]*?)```/g)].flatMap(([, language = '', block = '']) =>
      ['', 'sh'].includes(language) ? [block] : [],
    );
    const sentences = text.replaceAll(/```[^]*?```/g, '').replaceAll('\n', ' ');
    const inline = [...sentences.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
    return [...blocks, ...inline].flatMap((code) => commandsIn(file, code));
  });
}

const toldCommand = new RegExp(`(?:: |\`|&& )sallyport ((?:${commandNames.join('|')})(?![\\w:-])[^\\n'\`\\\\)]*)`, 'g');

/** Text that the gateway and its commands print: in strings of the sources. */
export function inSources(): readonly Printed[] {
  return globSync('gateway/{src,bin}/**/*.{ts,js}', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
      const told = text.matchAll(toldCommand);
      return [...told].map(([, rest = '']) => ({ where: file, words: wordsOf(rest) }));
    });
}

/** A value in place of what only the reader knows. */
function filled(word: string): string {
  return word.replace(/^\$\{[^}]*\}$/, 'name').replace(/\$\{[^}]*\}/g, 'name');
}

/** What is wrong with the command; `undefined` when it can be typed. Nothing of it is run. */
export async function misread(words: readonly string[]): Promise<string | undefined> {
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  const tree = await program({ env: {}, cwd: root, out: say, err: say, exit: () => {} });
  const still = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => {});
    for (const each of command.commands) still(each);
  };
  still(tree);
  try {
    await tree.parseAsync(words.map(filled), { from: 'user' });
    return undefined;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    // A group alone prints its help, and so does --help.
    const isHelp = code === 'commander.help' || code === 'commander.helpDisplayed' || code === 'commander.version';
    // Named, and not shown: its options are missing on purpose.
    const isNamed =
      words.every((word) => /^[a-z][a-z-]*$/.test(word)) && code?.startsWith('commander.missing') === true;
    return isHelp || isNamed ? undefined : said.join(' ') || String(error);
  }
}

/** Examples in the help of every command. */
export async function inHelp(): Promise<readonly Printed[]> {
  const found: Printed[] = [];
  const look = (command: Command, name: string): void => {
    let text = '';
    command.configureOutput({ writeOut: (each) => void (text += each) });
    command.outputHelp();
    const [, examples = ''] = text.split(/^Examples?:$/m);
    found.push(...commandsIn(`${name} --help`, examples));
    for (const each of command.commands) look(each, `${name} ${each.name()}`);
  };
  look(await program({ env: {}, cwd: root, out: () => {}, err: () => {}, exit: () => {} }), 'sallyport');
  return found;
}
