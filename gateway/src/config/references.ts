/**
 * References to secrets: `${env:NAME}` and `${file:/path}`. The secret itself never stands in the file, and nothing
 * here or in a diagnostic ever repeats a value.
 */
import { resolve } from 'node:path';
import { type Failed, messageOf } from '../protocol/result.ts';
import { readRegular } from '../stores/regular-file.ts';

const maxSecretBytes = 64 * 1024;
/** Milliseconds. A file may lie on another machine, and what holds it may hang. */
const maxFileMs = 5_000;
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
  | Failed;

/** Reads one secret. May throw: the text of the error is shown, so it holds no secret. */
export type SecretSource = (kind: ManagedKind, name: string) => Promise<Managed>;

/** Every reference in a text or anything below, once each. */
export function referencesIn(value: unknown): readonly string[] {
  const found = new Set<string>();
  const look = (part: unknown): void => {
    if (typeof part === 'string') for (const [, inner = ''] of part.matchAll(reference)) found.add(inner);
    if (typeof part === 'object' && part !== null) for (const member of Object.values(part)) look(member);
  };
  look(value);
  return [...found];
}

/** One rule for all: a secret is never empty, wherever it comes from. An emptied one is a mistake that looks like a value. */
function notEmpty(text: string, found: Managed): Managed {
  if (!found.ok || found.value !== '') return found;
  return { ok: false, problem: `${text} is empty`, remedy: 'Put the secret there, or remove the reference.' };
}

/** Reads every file that is referred to, beside the event loop. A relative path begins at `folder`. */
export async function readSecretFiles(
  references: readonly string[],
  folder: string,
): Promise<ReadonlyMap<string, Managed>> {
  const names = references.filter((inner) => inner.startsWith('file:'));
  const read = await Promise.all(
    names.map(
      async (inner) => [inner, notEmpty(`the secret file ${inner.slice(5)}`, await readFile(inner, folder))] as const,
    ),
  );
  return new Map(read);
}

async function readFile(inner: string, folder: string): Promise<Managed> {
  const name = inner.slice('file:'.length);
  const path = resolve(folder, name);
  const read = await readRegular(path, maxSecretBytes, maxFileMs);
  if (read.ok) return { ok: true, value: read.bytes.toString('utf8').replace(/\r?\n$/, ''), file: path };
  const problem = {
    missing: 'does not exist',
    'not-regular': 'is not a regular file',
    'too-large': 'is larger than 64 KiB',
    unreadable: 'cannot be read',
  }[read.why];
  const remedy = read.why === 'too-large' ? 'Name the right file.' : `Put the secret into ${name}.`;
  return { ok: false, problem: `the secret file ${name} ${problem}`, remedy };
}

/** What references of the managed kinds lead to, read once each. */
export async function readManaged(
  references: readonly string[],
  source: SecretSource | undefined,
): Promise<ReadonlyMap<string, Managed>> {
  const inner = references.filter((each) => managedKinds.some((kind) => each.startsWith(`${kind}:`)));
  const read = new Map<string, Managed>();
  await Promise.all(
    inner.map(async (text) => {
      const colon = text.indexOf(':');
      const kind = text.slice(0, colon) as ManagedKind;
      const found = await source?.(kind, text.slice(colon + 1)).catch(
        (error: unknown): Managed => ({
          ok: false,
          problem: `${text} cannot be read: ${messageOf(error)}`,
          remedy: 'See docs/credentials.md.',
        }),
      );
      const missing: Managed = { ok: false, problem: `${text} cannot be read here`, remedy: 'Use a running gateway.' };
      read.set(text, notEmpty(text, found ?? missing));
    }),
  );
  return read;
}

/** What references led to, and why some of it is what they led to before. */
export interface Kept {
  readonly read: ReadonlyMap<string, Managed>;
  readonly stale: readonly string[];
}

/**
 * In a running gateway a reference that got worse keeps its last good value, so that a manager that is away, or a file
 * that is damaged, holds up nothing else that a reload changes. `good`, by reference, learns what is good now.
 */
export function keepGood(read: ReadonlyMap<string, Managed>, good: Map<string, Managed>): Kept {
  const stale: string[] = [];
  const kept = Array.from(read, ([reference, found]): [string, Managed] => {
    const before = good.get(reference);
    if (found.ok) good.set(reference, found);
    if (found.ok || before === undefined) return [reference, found];
    stale.push(`${found.problem}. ${found.remedy}`);
    return [reference, before];
  });
  return { read: new Map(kept), stale };
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

/** Replaces every reference in a text, spelled by `spell` where it lands. `read` holds what those led to that take more than a look at the environment. */
export interface ReferenceParts {
  readonly env: Environment;
  /** What references to files and secret managers led to. */
  readonly read?: ReadonlyMap<string, Managed> | undefined;
  /** How a value is written where it stands, such as in a URL. */
  readonly spell?: (value: string) => string;
}

export function resolveReferences(
  text: string,
  { env, read = new Map(), spell = (value) => value }: ReferenceParts,
): Resolved {
  const files: string[] = [];
  const secrets: string[] = [];
  let value = '';
  let from = 0;
  for (const match of text.matchAll(reference)) {
    const [whole, inner = ''] = match;
    const found = read.get(inner) ?? variable(inner, env);
    if (!found.ok) return { ...found, offset: match.index };
    if (found.file !== undefined) files.push(found.file);
    secrets.push(found.value);
    value += text.slice(from, match.index) + spell(found.value);
    from = match.index + whole.length;
  }
  return { ok: true, value: value + text.slice(from), files, secrets };
}

function variable(inner: string, env: Environment): Managed {
  const colon = inner.indexOf(':');
  const kind = inner.slice(0, Math.max(colon, 0));
  const name = inner.slice(colon + 1);
  if (kind === 'env') {
    const value = env[name];
    if (value !== undefined && value !== '') return { ok: true, value };
    const state = value === undefined ? 'not set' : 'empty';
    return { ok: false, problem: `the environment variable ${name} is ${state}`, remedy: `Set ${name}.` };
  }
  return {
    ok: false,
    problem: `"\${${inner}}" is no reference that is known`,
    remedy: 'Write ${env:NAME}, ${file:/path} or ${secret:name}.',
  };
}
