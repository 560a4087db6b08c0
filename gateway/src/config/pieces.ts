/**
 * Large plain data between threads. A message is put together in the receiving thread in one go, which stops its event
 * loop for as long as the message is large; so it is cut into pieces, and put together piece by piece.
 */

type Key = string | number;

/** Values of one container: an object, a list or a map, which an earlier piece made. */
export interface Piece {
  readonly at: readonly Key[];
  readonly values: readonly (readonly [Key, unknown])[];
}

/** Nodes of a piece: some milliseconds to read. */
const maxNodes = 1_500;

/** `root`: objects, lists and maps of plain values, as deep as configurations may be. */
export function* cut(root: object): Generator<Piece> {
  const weights = new Map<object, number>();
  weigh(root, weights);
  yield* cutContainer([], root, weights);
}

function* cutContainer(at: readonly Key[], container: object, weights: ReadonlyMap<object, number>): Generator<Piece> {
  let values: (readonly [Key, unknown])[] = [];
  let weight = 0;
  for (const [key, value] of entriesOf(container)) {
    const own = isContainer(value) ? (weights.get(value) ?? 1) : 1;
    const isLarge = isContainer(value) && own > maxNodes;
    values.push([key, isLarge ? emptied(value) : value]);
    weight += isLarge ? 1 : own;
    if (!isLarge && weight < maxNodes) continue;
    yield { at, values };
    values = [];
    weight = 0;
    if (isLarge) yield* cutContainer([...at, key], value, weights);
  }
  if (values.length > 0) yield { at, values };
}

/** Puts pieces together, in the order in which they were cut, inside `root`. */
export function addPiece(root: object, { at, values }: Piece): void {
  let container: unknown = root;
  for (const key of at)
    container = container instanceof Map ? container.get(key) : Reflect.get(container as object, key);
  for (const [key, value] of values)
    if (container instanceof Map) container.set(key, value);
    else Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
}

function weigh(container: object, weights: Map<object, number>): number {
  const known = weights.get(container);
  if (known !== undefined) return known;
  let weight = 1;
  for (const [, value] of entriesOf(container)) weight += isContainer(value) ? weigh(value, weights) : 1;
  weights.set(container, weight);
  return weight;
}

function entriesOf(container: object): Iterable<readonly [Key, unknown]> {
  if (container instanceof Map) return container as ReadonlyMap<string, unknown>;
  return Array.isArray(container) ? (container as readonly unknown[]).entries() : Object.entries(container);
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function emptied(container: object): object {
  if (container instanceof Map) return new Map();
  return Array.isArray(container) ? [] : {};
}
