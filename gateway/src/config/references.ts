/**
 * References to secrets: `${env:NAME}` and `${file:/path}`. The secret itself never stands in the file, and nothing
 * here or in a diagnostic ever repeats a value.
 */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

const maxSecretBytes = 64 * 1024;
const reference = /\$\{([^}]*)\}/g;

/** Kinds of references that take more than a look at the environment or a file. */
export const managedKinds = ['secret', 'vault', 'aws-sm'] as const;
export type ManagedKind = (typeof managedKinds)[number];

export type Managed =
  | {
      readonly ok: true;
      readonly value: string;
      /** The file that changes when the secret does. */
      readonly file?: string;
    }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

/** Reads one secret. May throw: the text of the error is shown, so it holds no secret. */
export type SecretSource = (kind: ManagedKind, name: string) => Promise<Managed>;

/** Everything that a text or anything below refers to, of the managed kinds, read once each. */
export async function readManaged(
  value: unknown,
  source: SecretSource | undefined,
): Promise<ReadonlyMap<string, Managed>> {
  const inner = new Set<string>();
  for (const [, found = ''] of JSON.stringify(value).matchAll(reference))
    if (managedKinds.some((kind) => found.startsWith(`${kind}:`))) inner.add(found);
  const read = new Map<string, Managed>();
  await Promise.all(
    [...inner].map(async (text) => {
      const colon = text.indexOf(':');
      const kind = text.slice(0, colon) as ManagedKind;
      const found = await source?.(kind, text.slice(colon + 1)).catch(
        (error: unknown): Managed => ({
          ok: false,
          problem: `${text} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
          remedy: 'See docs/credentials.md.',
        }),
      );
      read.set(text, found ?? { ok: false, problem: `${text} cannot be read here`, remedy: 'Use a running gateway.' });
    }),
  );
  return read;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export type Resolved =
  | {
      readonly ok: true;
      readonly value: string;
      /** Absolute paths of the files that were read. */
      readonly files: readonly string[];
      /** What the references stood for. */
      readonly secrets: readonly string[];
    }
  | { readonly ok: false; readonly offset: number; readonly problem: string; readonly remedy: string };

/** Replaces every reference in a text. A relative path begins at `folder`; one trailing newline is cut off. */
export function resolveReferences(
  text: string,
  folder: string,
  env: Environment,
  managed: ReadonlyMap<string, Managed> = new Map(),
): Resolved {
  const files: string[] = [];
  const secrets: string[] = [];
  let value = '';
  let from = 0;
  for (const match of text.matchAll(reference)) {
    const [whole, inner = ''] = match;
    const found = managed.get(inner) ?? one(inner, folder, env);
    if (!found.ok) return { ...found, offset: match.index };
    if (found.file !== undefined) files.push(found.file);
    secrets.push(found.value);
    value += text.slice(from, match.index) + found.value;
    from = match.index + whole.length;
  }
  return { ok: true, value: value + text.slice(from), files, secrets };
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
      remedy: 'Write ${env:NAME}, ${file:/path} or ${secret:name}.',
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
