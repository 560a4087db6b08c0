/** Values of the configuration with the places where they stand. */
import type { Place } from './diagnostic.ts';

export type Scalar = string | number | boolean | null;
export type Path = readonly PropertyKey[];

/** Plain data, as everything here: a thread of its own reads the files of a running gateway. */
export interface LocatedScalar {
  readonly kind: 'scalar';
  readonly at: Place;
  readonly value: Scalar;
  /** Where the first character of the value stands, for a text that is spelled in the file as it is. */
  readonly spelled?: Spelled;
}
export interface Spelled {
  readonly line: number;
  readonly column: number;
}
export interface LocatedList {
  readonly kind: 'list';
  readonly at: Place;
  readonly items: readonly Located[];
}
export interface LocatedMap {
  readonly kind: 'map';
  readonly at: Place;
  readonly entries: ReadonlyMap<string, LocatedEntry>;
}
export interface LocatedEntry {
  readonly key: Place;
  readonly value: Located;
}
export type Located = LocatedScalar | LocatedList | LocatedMap;

/** The place of one character of a text, where its spelling allows to say it, else that of the whole. */
export function placeWithin({ at, spelled, value }: LocatedScalar, offset: number): Place {
  if (spelled === undefined) return at;
  // Only block literals have several lines, each as far to the right as the first.
  const rows = String(value).slice(0, offset).split('\n');
  return {
    file: at.file,
    line: spelled.line + rows.length - 1,
    column: spelled.column + (rows.at(-1)?.length ?? 0),
  };
}

/** The plain value, as the schema reads it. */
export function plain(node: Located): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries(Array.from(node.entries, ([key, entry]) => [key, plain(entry.value)]));
}

export interface Found {
  /** The node at the path, or the nearest one above it that exists. */
  readonly node: Located;
  /** Where to point: the key of an entry when there is one, else the value. */
  readonly key: Place;
  /** False when only something above the path exists, such as for a value that comes from a default. */
  readonly exact: boolean;
}

/** What stands at a path. One entry where a list is allowed as well counts as a list of one. */
export function find(root: Located, path: Path): Found {
  let node = root;
  let key = root.at;
  for (const step of path) {
    if (node.kind === 'map') {
      const entry = node.entries.get(String(step));
      if (entry === undefined) return { node, key, exact: false };
      ({ value: node, key } = entry);
    } else if (node.kind === 'list') {
      const item = node.items[Number(step)];
      if (item === undefined) return { node, key, exact: false };
      node = item;
      key = item.at;
    } else return { node, key: node.at, exact: step === 0 };
  }
  return { node, key, exact: true };
}
