/** An immutable, hashed version of the whole configuration. Every record names the one that decided it. */
import { createHash } from 'node:crypto';
import { canonical } from '../protocol/canonical.ts';
import type { Json } from '../protocol/json.ts';
import { type Diagnostic, formatPlace, type Place } from './diagnostic.ts';
import { find, type LocatedMap, type Path, placeWithin } from './located.ts';
import type { Lock } from './lock-file.ts';
import type { Configuration } from './schema/index.ts';

export interface Revision {
  /** SHA-256 in hex of the canonical configuration with its defaults, before any secret was put in. */
  readonly digest: string;
  /** References resolved to their values, paths absolute. Holds secrets: never print or record it. */
  readonly configuration: Configuration;
  /** `file:line:column` of what stands at a path, such as `['connections', 0, 'tools', 2]`. */
  place(path: Path): string;
  /** The same as data; with `offset`, the place of that character of a text. */
  locate(path: Path, offset?: number): Place;
  /** Absolute paths of the files of the configuration. */
  readonly files: readonly string[];
  /** Absolute paths of the secrets that it refers to. */
  readonly secretFiles: readonly string[];
  /** What the lock file of the pins says; absent where no pins ask for it. */
  readonly lock?: Lock;
  /** The database of countries; absent where none is named. */
  readonly countryDatabase?: Buffer;
  /** Why references keep the value that they had before: each is worse than it was. */
  readonly stale: readonly string[];
}

export type LoadResult =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Where something stands: its key for an entry of a map, else the value; `offset` points into a text. */
export function placeIn(root: LocatedMap, path: Path, offset?: number): Place {
  const found = find(root, path);
  if (offset === undefined || found.node.kind !== 'scalar') return found.key;
  return placeWithin(found.node, offset);
}

export function places(root: LocatedMap): Pick<Revision, 'place' | 'locate'> {
  return {
    place: (path) => formatPlace(placeIn(root, path)),
    locate: (path, offset) => placeIn(root, path, offset),
  };
}

/** Equal for configurations that mean the same, however the file is laid out. */
export function digestOf(configuration: Configuration): string {
  return createHash('sha256')
    .update(canonical(configuration as unknown as Json))
    .digest('hex');
}
