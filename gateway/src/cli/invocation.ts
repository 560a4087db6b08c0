/**
 * How this command line was called. From a checkout `sallyport` is on no PATH, so what people are told to run begins with
 * what they ran.
 */
import { basename, isAbsolute, relative } from 'node:path';
import { commandNames } from './commands.ts';

const commands = [...commandNames, '--help'].join('|');
const spoken = new RegExp(`(^|[\\s(\`'"&])sallyport (?=(?:${commands})(?![\\w:-]))`, 'gm');

/** `sallyport`, or `node` and the file, from the current folder where that is shorter. */
export function invocation(script: string | undefined = process.argv[1], cwd: string = process.cwd()): string {
  if (script === undefined || !/\.[jt]s$/.test(basename(script))) return 'sallyport';
  const near = isAbsolute(script) ? relative(cwd, script) : script;
  const path = near.startsWith('../../') || near.length > script.length ? script : near;
  return `node ${/^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`}`;
}

/** Text with every command in it as it can be typed here. */
export function asTyped(text: string): string {
  const typed = invocation();
  return typed === 'sallyport' ? text : text.replace(spoken, (_whole, before: string) => `${before}${typed} `);
}
