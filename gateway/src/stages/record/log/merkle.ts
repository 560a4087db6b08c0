/** The hash tree of RFC 6962 section 2.1: leaves, nodes, the growing edge, and proofs. Pure: reads through a function. */
import { type ByteText, sha256, sha256Text, together } from '../hash.ts';

/** RFC 6962 section 2.1: a leaf and a node can never have the same input. */
const leafPrefix = Buffer.from([0]);
const nodePrefix = Buffer.from([1]);

export function leafHash(entry: Uint8Array): Buffer {
  return sha256(together(leafPrefix, entry));
}

/** The same for a tree that grows: a buffer for each of its hashes was what the writer's full collections came from. */
export function leafText(entry: Uint8Array): ByteText {
  return sha256Text(together(leafPrefix, entry));
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256(together(nodePrefix, left, right));
}

function nodeText(left: ByteText, right: ByteText): ByteText {
  return sha256Text(together(nodePrefix, left, right));
}

/** The root of the empty tree is the hash of nothing. */
export const emptyRoot = sha256('');

/** The roots of the complete subtrees that a tree of some size consists of, largest first. All that growing needs. */
export class Frontier {
  #size = 0;
  readonly #roots: ByteText[] = [];

  get size(): number {
    return this.#size;
  }

  /** `onComplete` is told of every complete subtree that ends with this leaf: the height, and the root. */
  add(leaf: ByteText, onComplete?: (height: number, root: ByteText) => void): void {
    let carried = leaf;
    let height = 0;
    onComplete?.(height, carried);
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      carried = nodeText(this.#roots.pop() ?? carried, carried);
      onComplete?.(++height, carried);
    }
    this.#roots.push(carried);
    this.#size++;
  }

  root(): Buffer {
    const last = this.#roots.at(-1);
    if (last === undefined) return emptyRoot;
    const root = this.#roots.slice(0, -1).reduceRight((right, left) => nodeText(left, right), last);
    return Buffer.from(root, 'latin1');
  }

  /** The edge of a tree whose complete subtrees can be read. */
  static of(size: number, node: ReadNode): Frontier {
    const frontier = new Frontier();
    let begin = 0;
    for (const width of completeWidths(size)) {
      frontier.#roots.push(node(Math.log2(width), begin / width).toString('latin1'));
      begin += width;
    }
    frontier.#size = size;
    return frontier;
  }
}

/** The hash of the complete subtree of `2 ** height` leaves that begins at leaf `index * 2 ** height`. */
export type ReadNode = (height: number, index: number) => Buffer;

/** Powers of two that add up to the size, largest first. */
function completeWidths(size: number): number[] {
  const widths: number[] = [];
  for (let rest = size; rest > 0; ) {
    const width = 2 ** Math.floor(Math.log2(rest));
    widths.push(width);
    rest -= width;
  }
  return widths;
}

/** The largest power of two smaller than `n`, for `n` above one. */
function split(n: number): number {
  const width = 2 ** Math.floor(Math.log2(n));
  return width === n ? n / 2 : width;
}

/** MTH(D[begin:end]) of section 2.1, where `begin` is where such a subtree can begin. */
export function rangeHash(begin: number, end: number, node: ReadNode): Buffer {
  const width = end - begin;
  if (width === 0) return emptyRoot;
  const height = Math.log2(width);
  if (Number.isInteger(height)) return node(height, begin / width);
  const left = split(width);
  return nodeHash(rangeHash(begin, begin + left, node), rangeHash(begin + left, end, node));
}

/** PATH(m, D[n]) of section 2.1.1. */
export function inclusionProof(index: number, size: number, node: ReadNode): Buffer[] {
  if (index < 0 || index >= size) throw new RangeError(`no leaf ${index} in a tree of ${size}`);
  const path = (begin: number, end: number): Buffer[] => {
    if (end - begin === 1) return [];
    const middle = begin + split(end - begin);
    return index < middle
      ? [...path(begin, middle), rangeHash(middle, end, node)]
      : [...path(middle, end), rangeHash(begin, middle, node)];
  };
  return path(0, size);
}

/** PROOF(m, D[n]) of section 2.1.2. Empty for an empty old tree, which is a prefix of everything. */
export function consistencyProof(old: number, size: number, node: ReadNode): Buffer[] {
  if (old < 0 || old > size) throw new RangeError(`a tree of ${size} does not contain one of ${old}`);
  if (old === 0) return [];
  const proof = (m: number, begin: number, end: number, whole: boolean): Buffer[] => {
    if (m === end) return whole ? [] : [rangeHash(begin, end, node)];
    const middle = begin + split(end - begin);
    return m <= middle
      ? [...proof(m, begin, middle, whole), rangeHash(middle, end, node)]
      : [...proof(m, middle, end, false), rangeHash(begin, middle, node)];
  };
  return proof(old, 0, size, true);
}

/** The root that a leaf and its path lead to (RFC 9162 section 2.1.3.2). `undefined`: the path has the wrong length. */
export function rootFromInclusion(
  leaf: Buffer,
  { index, size }: { readonly index: number; readonly size: number },
  path: readonly Buffer[],
): Buffer | undefined {
  if (index < 0 || index >= size) return undefined;
  let at = index;
  let last = size - 1;
  let root = leaf;
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      root = nodeHash(sibling, root);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else root = nodeHash(root, sibling);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? root : undefined;
}

/** RFC 9162 section 2.1.4.2. */
export function isConsistent(
  old: { readonly size: number; readonly root: Buffer },
  now: { readonly size: number; readonly root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (old.size > now.size) return false;
  if (old.size === now.size) return proof.length === 0 && old.root.equals(now.root);
  if (old.size === 0) return proof.length === 0;
  const hashes = Number.isInteger(Math.log2(old.size)) ? [old.root, ...proof] : [...proof];
  const [seed, ...rest] = hashes;
  if (seed === undefined || proof.length === 0) return false;
  let at = old.size - 1;
  let last = now.size - 1;
  while (at % 2 === 1) {
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  let oldRoot = seed;
  let newRoot = seed;
  for (const hashed of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      oldRoot = nodeHash(hashed, oldRoot);
      newRoot = nodeHash(hashed, newRoot);
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else newRoot = nodeHash(newRoot, hashed);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && oldRoot.equals(old.root) && newRoot.equals(now.root);
}
