/** Loads a configuration: read, merge, check the shape, check the names, resolve. Never throws for what a file says. */
import { byPlace, type Diagnostic } from './diagnostic.ts';
import { checkExposure } from './exposure.ts';
import type { Path } from './located.ts';
import {
  type Environment,
  keepGood,
  type Managed,
  readManaged,
  readSecretFiles,
  type SecretSource,
} from './references.ts';
import { resolveConfiguration } from './resolve.ts';
import { type LoadResult, placeIn, places } from './revision.ts';
import type { Configuration } from './schema/index.ts';
import { readWritten } from './written.ts';

export interface LoadOptions {
  /**
   * `leave`: references stay as they are written, for commands that need no secret. `managers`: only those of the
   * section `secrets` are resolved.
   */
  readonly secrets?: 'resolve' | 'leave' | 'managers';
  /** Opens what references to secret managers lead to, with the settings of the file. */
  readonly open?: (settings: Configuration['secrets'], data: string) => SecretSource;
  /** How the files are read: at once, unless a running gateway must go on meanwhile (`beside.ts`). */
  readonly read?: typeof readWritten;
  /** Of a running gateway: what each reference led to when that was good. Filled here. */
  readonly good?: Map<string, Managed>;
}

/** One YAML file, or a folder whose `*.yaml` and `*.yml` files are merged. Reports every problem it can see at once. */
export async function loadConfiguration(
  path: string,
  env: Environment,
  { secrets = 'resolve', open, read: readFiles = readWritten, good = new Map() }: LoadOptions = {},
): Promise<LoadResult> {
  const source = await readFiles(path);
  if (!source.ok) return refuse(source.diagnostics);
  const { root, folder, files, configuration: written, references } = source;
  const context = {
    folder,
    env: secrets === 'resolve' ? env : undefined,
    place: (at: Path, offset?: number) => placeIn(root, at, offset),
  };
  const local = keepGood(secrets === 'leave' ? new Map() : await readSecretFiles(references.all, folder), good);
  // The managers are described in the same file: that section comes first, and refers to variables and files only.
  const first =
    secrets === 'leave'
      ? undefined
      : resolveConfiguration(
          { ...written, servers: {}, authentication: { ...written.authentication, issuers: {} } },
          { ...context, env, read: local.read },
        );
  const managers =
    secrets === 'resolve' && first !== undefined
      ? open?.(first.configuration.secrets, first.configuration.data)
      : undefined;
  const managed = keepGood(managers === undefined ? new Map() : await readManaged(references.late, managers), good);
  const read = new Map([...local.read, ...managed.read]);
  const resolved = resolveConfiguration(written, { ...context, read });
  const { secretFiles } = resolved;
  const { place } = context;
  const exposed = checkExposure(resolved.configuration, { files, secretFiles, written, place });
  const diagnostics = [...source.complaints, ...resolved.diagnostics, ...exposed];
  if (diagnostics.length > 0) return refuse(diagnostics);
  const configuration =
    secrets === 'managers' && first !== undefined
      ? { ...resolved.configuration, secrets: first.configuration.secrets }
      : resolved.configuration;
  for (const reference of good.keys()) if (!read.has(reference)) good.delete(reference);
  const stale = [...local.stale, ...managed.stale];
  return { ok: true, revision: { digest: source.digest, configuration, files, secretFiles, stale, ...places(root) } };
}

function refuse(diagnostics: readonly Diagnostic[]): LoadResult {
  return { ok: false, diagnostics: diagnostics.toSorted(byPlace) };
}
