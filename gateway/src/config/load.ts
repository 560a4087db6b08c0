/** Loads a configuration: read, merge, check the shape, check the names, resolve. Never throws for what a file says. */
import { byPlace, type Diagnostic } from './diagnostic.ts';
import { checkExposure } from './exposure.ts';
import { checkShape } from './issues.ts';
import type { Path } from './located.ts';
import { checkNames } from './names.ts';
import { type Environment, type Managed, readManaged, readSecretFiles, type SecretSource } from './references.ts';
import { resolveConfiguration } from './resolve.ts';
import { digestOf, type LoadResult, placeIn, places } from './revision.ts';
import type { Configuration } from './schema/index.ts';
import { readSource } from './source.ts';

export interface LoadOptions {
  /**
   * `leave`: references stay as they are written, for commands that need no secret. `managers`: only those of the
   * section `secrets` are resolved.
   */
  readonly secrets?: 'resolve' | 'leave' | 'managers';
  /** Opens what references to secret managers lead to, with the settings of the file. */
  readonly open?: (settings: Configuration['secrets'], data: string) => SecretSource;
}

/** One YAML file, or a folder whose `*.yaml` and `*.yml` files are merged. Reports every problem it can see at once. */
export async function loadConfiguration(
  path: string,
  env: Environment,
  { secrets = 'resolve', open }: LoadOptions = {},
): Promise<LoadResult> {
  const source = await readSource(path);
  if (!source.ok) return refuse(source.diagnostics);
  const { root, folder, files } = source;
  const shape = checkShape(root);
  if (!shape.ok) return refuse(shape.diagnostics);
  const written = shape.value;
  const names = checkNames(written, (at) => placeIn(root, at, 0));
  const context = {
    folder,
    env: secrets === 'resolve' ? env : undefined,
    place: (at: Path, offset?: number) => placeIn(root, at, offset),
  };
  let read: ReadonlyMap<string, Managed> = secrets === 'leave' ? new Map() : await readSecretFiles(written, folder);
  // The managers are described in the same file: that section comes first, and refers to variables and files only.
  const first =
    secrets === 'leave'
      ? undefined
      : resolveConfiguration(
          { ...written, servers: {}, authentication: { ...written.authentication, issuers: {} } },
          { ...context, env, read },
        );
  if (secrets === 'resolve' && open !== undefined && first !== undefined) {
    const source = open(first.configuration.secrets, first.configuration.data);
    read = new Map([...read, ...(await readManaged([written.servers, written.authentication], source))]);
  }
  const resolved = resolveConfiguration(written, { ...context, read });
  const { secretFiles } = resolved;
  const { place } = context;
  const exposed = checkExposure(resolved.configuration, { files, secretFiles, written, place });
  const diagnostics = [...names, ...resolved.diagnostics, ...exposed];
  if (diagnostics.length > 0) return refuse(diagnostics);
  const configuration =
    secrets === 'managers' && first !== undefined
      ? { ...resolved.configuration, secrets: first.configuration.secrets }
      : resolved.configuration;
  return { ok: true, revision: { digest: digestOf(written), configuration, files, secretFiles, ...places(root) } };
}

function refuse(diagnostics: readonly Diagnostic[]): LoadResult {
  return { ok: false, diagnostics: diagnostics.toSorted(byPlace) };
}
