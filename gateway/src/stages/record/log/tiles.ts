/** Names and contents of the files of a log: c2sp.org/tlog-tiles. Any web server or object store can serve them. */

import type { ByteText } from '../hash.ts';

/** Hashes in a tile, and entries in a bundle. */
export const tileWidth = 256;
export const hashSize = 32;
/** An entry's length is a uint16. */
export const longestEntry = 65_535;

export type TileKind = number | 'entries';

/** `tile/<level>/<index>[.p/<width>]`, the index in groups of three digits: 1234067 is `x001/x234/067`. */
export function tilePath(kind: TileKind, index: number, width: number = tileWidth): string {
  let path = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`;
  return `tile/${kind}/${path}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** How many entries the tile at this place has in a tree of this size: 0 when it does not exist. */
export function widthIn(level: number, index: number, size: number): number {
  const hashes = Math.floor(size / tileWidth ** level);
  return Math.max(0, Math.min(tileWidth, hashes - index * tileWidth));
}

/** The tiles and the bundle of a tree of this size that are not full. */
export function partialPaths(size: number): string[] {
  const paths = size % tileWidth === 0 ? [] : [tilePath('entries', Math.floor(size / tileWidth), size % tileWidth)];
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / tileWidth))
    if (hashes % tileWidth > 0) paths.push(tilePath(level, Math.floor(hashes / tileWidth), hashes % tileWidth));
  return paths;
}

/** A bundle that grows: entries with their lengths before them. */
export class Bundle {
  #bytes = Buffer.allocUnsafeSlow(256 * 1024);
  #length = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** What it holds, good until it changes. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  add(entry: Buffer): void {
    if (entry.length > longestEntry) throw new RangeError(`an entry of ${entry.length} bytes is too long`);
    const end = this.#length + 2 + entry.length;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * end);
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(entry, this.#bytes.writeUInt16BE(entry.length, this.#length));
    this.#length = end;
    this.#count++;
  }

  clear(): void {
    this.#length = 0;
    this.#count = 0;
  }
}

/** A tile that grows. */
export class Tile {
  readonly #bytes = Buffer.allocUnsafeSlow(tileWidth * hashSize);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** What it holds, good until it changes. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#count * hashSize);
  }

  add(hash: ByteText): void {
    this.#bytes.write(hash, this.#count * hashSize, 'latin1');
    this.#count++;
  }

  clear(): void {
    this.#count = 0;
  }
}

/** `undefined` when the bytes do not end where an entry ends, or hold fewer entries than wanted. */
export function decodeBundle(bytes: Buffer, count: number): Buffer[] | undefined {
  const entries: Buffer[] = [];
  let at = 0;
  while (at < bytes.length && entries.length < count) {
    if (at + 2 > bytes.length) return undefined;
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) return undefined;
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return entries.length === count ? entries : undefined;
}
