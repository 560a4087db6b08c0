/** Loads a configuration: read, merge, check the shape, check the names, resolve. Never throws for what a file says. */

import { readCountryFile } from './country-file.ts';
import { byPlace, type Diagnostic, type Place } from './diagnostic.ts';
import { checkExposure } from './exposure.ts';
import type { Path } from './located.ts';
import { lockOf, type ReadLock } from './lock-file.ts';
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
  /** `leave`: the lock file of the pins is not read, for commands that write it. */
  readonly lock?: 'read' | 'leave';
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
  {
    secrets = 'resolve',
    lock: lockFile = 'read',
    open,
    read: readFiles = readWritten,
    good = new Map(),
  }: LoadOptions = {},
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
  const lock = secrets === 'leave' || lockFile === 'leave' ? undefined : source.lock;
  const unlocked = lock === undefined || lock.ok ? [] : [lockDiagnostic(written, lock, place)];
  const { database } = resolved.configuration.countries;
  const countries = database === undefined ? undefined : await readCountryFile(database);
  const nowhere = countries === undefined || countries.ok ? [] : [countryDiagnostic(countries.problem, place)];
  const diagnostics = [...source.complaints, ...resolved.diagnostics, ...exposed, ...unlocked, ...nowhere];
  if (diagnostics.length > 0) return refuse(diagnostics);
  const configuration =
    secrets === 'managers' && first !== undefined
      ? { ...resolved.configuration, secrets: first.configuration.secrets }
      : resolved.configuration;
  for (const reference of good.keys()) if (!read.has(reference)) good.delete(reference);
  const stale = [...local.stale, ...managed.stale];
  const more = [...(lock?.ok === true ? [lock.path] : []), ...(countries?.ok === true ? [countries.path] : [])];
  const revision = {
    digest: source.digest,
    configuration,
    files: more.length === 0 ? files : [...files, ...more],
    secretFiles,
    stale,
    ...places(root),
    ...(lock?.ok === true && { lock: lockOf(lock.entries) }),
    ...(countries?.ok === true && { countryDatabase: countries.bytes }),
  };
  return { ok: true, revision };
}

function countryDiagnostic(problem: string, place: (path: Path) => Place): Diagnostic {
  const remedy = 'Put the file there, readable for the gateway, or remove "countries" here and from connections.';
  return { code: 'CFG045', place: place(['countries', 'database']), problem, remedy };
}

/** Without the lock file nothing of a server whose pins ask for it would be visible. */
function lockDiagnostic(
  { pins, servers }: Configuration,
  { problem, isMissing }: ReadLock & { readonly ok: false },
  place: (path: Path) => Place,
): Diagnostic {
  const [server = ''] = Object.entries(servers).find(([, config]) => config.pins?.mode === 'lock') ?? [];
  const at = pins.mode === 'lock' ? ['pins', 'mode'] : ['servers', server, 'pins', 'mode'];
  const remedy = isMissing
    ? 'Write it with `sallyport pins lock`.'
    : 'Mend it, or write it anew with `sallyport pins lock`.';
  return { code: 'CFG033', place: place(at), problem, remedy };
}

function refuse(diagnostics: readonly Diagnostic[]): LoadResult {
  return { ok: false, diagnostics: diagnostics.toSorted(byPlace) };
}
