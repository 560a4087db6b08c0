/** What commands share: output, where the configuration is, and how its problems are shown. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Diagnostic, formatDiagnostic } from '../config/diagnostic.ts';
import { type LoadOptions, loadConfiguration } from '../config/load.ts';
import type { Revision } from '../config/revision.ts';
import type { Configuration } from '../config/schema/index.ts';
import { shownInLine } from '../protocol/shown.ts';
import { openSecretSource } from '../secrets/source.ts';
import { type CompiledPolicy, compilePolicy } from '../stages/decide/compile.ts';
import { exitCodes } from './exit-codes.ts';

/** The colour of a line on a terminal. */
export type Tone = 'good' | 'bad';

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Writes a line, or text of several lines. */
  out(text: string, tone?: Tone): void;
  err(text: string): void;
  /** Whether a person reads what is written. */
  readonly terminal?: boolean;
  /** Asks a person, where there is one: `undefined` without a terminal. True for yes. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** The last one given counts. */
  exit(code: number): void;
}

/** Thrown by `out` when the reader of the output has closed it, as `head` does. The command has nothing left to do. */
export class OutputClosed extends Error {}

export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export const configOption = [
  '--config <path>',
  'configuration file or folder (default: see `sallyport --help`)',
] as const;
export const jsonOption = ['--json', 'print JSON'] as const;

export function outJson(context: Context, value: unknown): void {
  context.out(JSON.stringify(value, undefined, 2));
}

/** `--config`, else $SALLYPORT_CONFIG, else `sallyport.yaml` or the folder `sallyport.d` here. */
export function configPath(context: Context, given: string | undefined): string {
  const named = given ?? context.env['SALLYPORT_CONFIG'];
  if (named !== undefined && named !== '') return named;
  const usual = ['sallyport.yaml', 'sallyport.d'];
  return usual.find((name) => existsSync(join(context.cwd, name))) ?? 'sallyport.yaml';
}

/** Loads the configuration, or says what is wrong with it and sets the exit code. */
export async function loadOrComplain(
  context: Context,
  options: CommonOptions,
  load: LoadOptions = { secrets: 'leave' },
): Promise<{ readonly revision: Revision; readonly policy: CompiledPolicy } | undefined> {
  const checked = await check(context, configPath(context, options.config), load);
  if (checked.ok) return checked;
  report(context, options, checked.diagnostics);
  context.exit(exitCodes.configuration);
  return undefined;
}

/** The work of a command that needs the configuration and nothing else of the revision. */
export async function withConfiguration(
  context: Context,
  { load, ...options }: CommonOptions & { readonly load?: LoadOptions },
  work: (configuration: Configuration) => void | Promise<void>,
): Promise<void> {
  const loaded = await loadOrComplain(context, options, load);
  if (loaded !== undefined) await work(loaded.revision.configuration);
}

export type Checked =
  | { readonly ok: true; readonly revision: Revision; readonly policy: CompiledPolicy }
  /** `isPartial`: conditions and patterns, and names where keys or values are wrong, were not checked. */
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[]; readonly isPartial?: true };

/** Everything that can be wrong with a configuration, its rules included. */
export async function check(context: Context, path: string, load: LoadOptions): Promise<Checked> {
  const loaded = await loadConfiguration(path, context.env, { open: openSecretSource, ...load });
  if (!loaded.ok) return { ...loaded, isPartial: true };
  const compiled = compilePolicy(loaded.revision);
  return compiled.ok ? { ok: true, revision: loaded.revision, policy: compiled.policy } : compiled;
}

export function report(context: Context, { json }: CommonOptions, diagnostics: readonly Diagnostic[]): void {
  if (json === true) outJson(context, { ok: false, diagnostics });
  else for (const diagnostic of diagnostics) context.err(formatDiagnostic(diagnostic));
}

/** A sentence about what went wrong, and an exit code. */
export interface Failure {
  /** Exit code. */
  readonly code: number;
  readonly problem: string;
  readonly remedy?: string | undefined;
}

export function fail(context: Context, { json }: CommonOptions, { code, problem, remedy }: Failure): void {
  if (json === true) outJson(context, { ok: false, problem, remedy });
  else context.err(`sallyport: ${shownInLine(problem)}${remedy === undefined ? '' : `\n    ${shownInLine(remedy)}`}`);
  context.exit(code);
}
