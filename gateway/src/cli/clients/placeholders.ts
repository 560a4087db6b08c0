/** What clients let people write in place of values: variables, inputs, folders. */
import { homedir } from 'node:os';
import { basename } from 'node:path';
import { referencesIn } from '../../config/references.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { ClientKind } from './found.ts';

export interface Surroundings {
  readonly kind: ClientKind;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of the project that the file belongs to. */
  readonly project: string | undefined;
  /** VS Code: what it asks for, by id. */
  readonly inputs: ReadonlyMap<string, JsonObject>;
}

export type Expanded = { readonly text: string; readonly literal: boolean };
export type ExpandResult =
  | (Expanded & { readonly ok: true; readonly variables: readonly string[]; readonly notes: readonly string[] })
  | { readonly ok: false; readonly unknown: string };

/** `${…}` of most, `{env:X}` and `{file:x}` of OpenCode, `${{ secrets.X }}` of Continue, `$X` of Gemini CLI. */
const placeholder = /\$\{\{\s*([\w.-]+)\s*\}\}|\$\{([^{}]*)\}/g;
const openCode = /\{(env|file):([^{}]+)\}/g;
const bareVariable = /\$([A-Za-z_]\w*)/g;

/** `literal`: nothing in it is a reference, so that it may be a secret itself. */
export function expand(value: string, around: Surroundings): ExpandResult {
  const variables: string[] = [];
  const notes: string[] = [];
  const made = new Set<string>();
  let unknown: string | undefined;
  let literal = true;
  const reference = (inner: string): string => {
    made.add(inner);
    return `\${${inner}}`;
  };
  const variable = (name: string): string => {
    const known = variableName(name);
    variables.push(known);
    literal = false;
    return reference(`env:${known}`);
  };
  const one = (whole: string, inner: string): string => {
    const folder = folderOf(inner, around);
    if (folder !== undefined) return folder;
    const [, input] = /^input:(.+)$/.exec(inner) ?? [];
    if (input !== undefined) return fromInput(input);
    const [, name = '', fallback] = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inner) ?? [];
    if (name === '') {
      unknown = whole;
      return whole;
    }
    if (fallback === undefined || (around.env[name] ?? '') !== '') {
      if (fallback !== undefined) notes.push(`its default for ${name} is not taken over, as ${name} is set here`);
      return variable(name);
    }
    notes.push(`${name} is not set here, so its default is taken over`);
    return fallback;
  };
  const fromInput = (id: string): string => {
    const input = around.inputs.get(id);
    const fallback = input?.['default'];
    if (input?.['password'] === true || typeof fallback !== 'string') return variable(id);
    notes.push(`the input ${id} is taken over with its default`);
    return fallback;
  };
  let text = value.replace(placeholder, (whole, dotted: string | undefined, inner: string | undefined) =>
    dotted === undefined ? one(whole, inner ?? '') : variable(dotted.replace(/^(?:secrets|inputs|env)\./, '')),
  );
  if (around.kind === 'opencode')
    text = text.replace(openCode, (_whole, kind: string, name: string) => {
      if (kind === 'env') return variable(name);
      literal = false;
      return reference(`file:${name.replace(/^~(?=\/)/, homedir())}`);
    });
  if (around.kind === 'gemini') text = text.replace(bareVariable, (_whole, name: string) => variable(name));
  // What the gateway would read as a reference and is none of ours: it could name any file or secret of this machine.
  unknown ??= referencesIn(text).find((inner) => !made.has(inner));
  if (unknown !== undefined) return { ok: false, unknown };
  return { ok: true, text: text.replace(/^~(?=\/)/, homedir()), literal, variables, notes };
}

function folderOf(inner: string, { project }: Surroundings): string | undefined {
  switch (inner) {
    case 'userHome':
    case 'env:HOME':
    case 'HOME':
      return homedir();
    case 'pathSeparator':
    case '/':
      return '/';
    case 'workspaceFolder':
    case 'workspaceRoot':
      return project;
    case 'workspaceFolderBasename':
      return project === undefined ? undefined : basename(project);
    default:
      return undefined;
  }
}

export function variableName(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 128);
  return /^[A-Za-z]/.test(name) ? (/^[a-z_0-9-]+$/.test(name) ? name.toUpperCase() : name) : `VALUE_${name}`;
}
