/** Values of the configuration with the places where they stand. */
import type { Place } from './diagnostic.ts';

export type Scalar = string | number | boolean | null;
export type Path = readonly PropertyKey[];

export interface LocatedScalar {
  readonly kind: 'scalar';
  readonly at: Place;
  readonly value: Scalar;
  /** The place of one character of the value, where the spelling in the file allows to say it. */
  within(offset: number): Place;
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
