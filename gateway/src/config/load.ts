/** Loads a configuration: read, merge, check the shape, check the names, resolve. Never throws for what a file says. */
import { byPlace, type Diagnostic } from './diagnostic.ts';
import { checkShape } from './issues.ts';
import { checkNames } from './names.ts';
import type { Environment } from './references.ts';
import { resolveConfiguration } from './resolve.ts';
import { digestOf, type LoadResult, placeIn, places } from './revision.ts';
import { readSource } from './source.ts';

export interface LoadOptions {
  /** `leave`: references stay as they are written, for commands that need no secret. */
  readonly secrets?: 'resolve' | 'leave';
}

/** One YAML file, or a folder whose `*.yaml` and `*.yml` files are merged. Reports every problem it can see at once. */
export async function loadConfiguration(
  path: string,
  env: Environment,
  { secrets = 'resolve' }: LoadOptions = {},
): Promise<LoadResult> {
  const source = await readSource(path);
  if (!source.ok) return refuse(source.diagnostics);
  const { root, folder, files } = source;
  const shape = checkShape(root);
  if (!shape.ok) return refuse(shape.diagnostics);
  const written = shape.value;
  const names = checkNames(written, (at) => placeIn(root, at, 0));
  const resolved = resolveConfiguration(written, {
    folder,
    env: secrets === 'resolve' ? env : undefined,
    place: (at, offset) => placeIn(root, at, offset),
  });
  const diagnostics = [...names, ...resolved.diagnostics];
  if (diagnostics.length > 0) return refuse(diagnostics);
  const { configuration, secretFiles } = resolved;
  return { ok: true, revision: { digest: digestOf(written), configuration, files, secretFiles, ...places(root) } };
}

function refuse(diagnostics: readonly Diagnostic[]): LoadResult {
  return { ok: false, diagnostics: diagnostics.toSorted(byPlace) };
}
