/**
 * References to secrets: `${env:NAME}` and `${file:/path}`. The secret itself never stands in the file, and nothing
 * here or in a diagnostic ever repeats a value.
 */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

const maxSecretBytes = 64 * 1024;
const reference = /\$\{([^}]*)\}/g;

export type Environment = Readonly<Record<string, string | undefined>>;

export type Resolved =
  | {
      readonly ok: true;
      readonly value: string;
      /** Absolute paths of the files that were read. */
      readonly files: readonly string[];
    }
  | { readonly ok: false; readonly offset: number; readonly problem: string; readonly remedy: string };

/** Replaces every reference in a text. A relative path begins at `folder`; one trailing newline is cut off. */
export function resolveReferences(text: string, folder: string, env: Environment): Resolved {
  const files: string[] = [];
  let value = '';
  let from = 0;
  for (const match of text.matchAll(reference)) {
    const [whole, inner = ''] = match;
    const found = one(inner, folder, env);
    if (!found.ok) return { ...found, offset: match.index };
    if (found.file !== undefined) files.push(found.file);
    value += text.slice(from, match.index) + found.value;
    from = match.index + whole.length;
  }
  return { ok: true, value: value + text.slice(from), files };
}

type One = { ok: true; value: string; file?: string } | { ok: false; problem: string; remedy: string };

function one(inner: string, folder: string, env: Environment): One {
  const colon = inner.indexOf(':');
  const kind = inner.slice(0, Math.max(colon, 0));
  const name = inner.slice(colon + 1);
  if (kind === 'env') {
    const value = env[name];
    if (value !== undefined && value !== '') return { ok: true, value };
    const state = value === undefined ? 'not set' : 'empty';
    return { ok: false, problem: `the environment variable ${name} is ${state}`, remedy: `Set ${name}.` };
  }
  if (kind !== 'file')
    return {
      ok: false,
      problem: `"\${${inner}}" is no reference that is known`,
      remedy: 'Write ${env:NAME} or ${file:/path}.',
    };
  const path = resolve(folder, name);
  try {
    if (statSync(path).size > maxSecretBytes)
      return { ok: false, problem: `the secret file ${name} is larger than 64 KiB`, remedy: 'Name the right file.' };
    return { ok: true, value: readFileSync(path, 'utf8').replace(/\r?\n$/, ''), file: path };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    return { ok: false, problem: `the secret file ${name} ${reason}`, remedy: `Put the secret into ${name}.` };
  }
}

const secretHeader = /^(?:proxy-)?authorization$|^cookie$|api-?key$|token$|secret$/i;
const secretVariable = /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)$/i;

/** True for a value that by its name is a secret and that stands in the file. */
export function isLiteralSecret(kind: 'header' | 'variable', name: string, value: string): boolean {
  const named = (kind === 'header' ? secretHeader : secretVariable).test(name);
  return named && value !== '' && !/\$\{[^}]+\}/.test(value);
}
