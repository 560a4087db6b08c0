/** Turns entries into tiles and bundles on disk. What is not full yet stays in memory until it is published. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readFileSync } from '../../../stores/own-files.ts';
import type { ByteText } from '../hash.ts';
import type { Disk } from './disk.ts';
import type { Drafts } from './drafts.ts';
import { Frontier, leafText, nodeHash, type ReadNode } from './merkle.ts';
import type { Steps } from './steps.ts';
import { Bundle, hashSize, Tile, type TileKind, tilePath, tileWidth } from './tiles.ts';

/** Of reading a tile while another process writes it. */
const maxAttempts = 8;

/** Full, and not written yet. */
interface Waiting {
  readonly path: string;
  readonly content: Bundle | Tile;
}

/** Of each kind, kept to be filled again: as garbage they were what the writer's full collections came from. */
const maxSpare = 16;

export class TreeFiles {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #drafts: Drafts;
  readonly #frontier: Frontier;
  /** The last tile of each level, and the last bundle: not full. */
  readonly #levels: Tile[] = [];
  #bundle = new Bundle();
  readonly #spareTiles: Tile[] = [];
  readonly #spareBundles: Bundle[] = [];
  /** They wait for the next try when the disk is full. */
  #waiting: Waiting[] = [];
  /** The one of them that is being written beside this thread, and when that has ended. */
  #beside: Waiting | undefined;
  #ended: Promise<void> = Promise.resolve();
  /** Files that have become full. */
  #filled = 0;
  /** Written, and not known to survive a power failure. */
  #unsettled: string[] = [];
  readonly #folders = new Set<string>();

  /** `size`: a multiple of the tile width up to which all tiles are on disk. */
  constructor(folder: string, disk: Disk, drafts: Drafts, size: number) {
    this.#folder = folder;
    this.#disk = disk;
    this.#drafts = drafts;
    const node = tileReader(folder, undefined, size);
    this.#frontier = Frontier.of(size, node);
    // Every level, also one that is empty just now: there must be no gap below the others.
    for (let level = 0; level === 0 || size >= tileWidth ** level; level++) {
      const tile = this.#level(level);
      const hashes = Math.floor(size / tileWidth ** level);
      for (let index = hashes - (hashes % tileWidth); index < hashes; index++)
        tile.add(node(8 * level, index).toString('latin1'));
    }
  }

  get size(): number {
    return this.#frontier.size;
  }

  root(): Buffer {
    return this.#frontier.root();
  }

  add(entry: Buffer): void {
    this.#bundle.add(entry);
    this.#frontier.add(leafText(entry), this.#complete);
    if (this.#bundle.count < tileWidth) return;
    this.#wait('entries', this.size / tileWidth - 1, this.#bundle);
    this.#bundle = this.#spareBundles.pop() ?? new Bundle();
  }

  /** A tile holds the roots of the complete subtrees that are a multiple of eight high (tlog-tiles, "Merkle Tree"). */
  readonly #complete = (height: number, root: ByteText): void => {
    if (height % 8 !== 0) return;
    const level = height / 8;
    const tile = this.#level(level);
    tile.add(root);
    if (tile.count < tileWidth) return;
    this.#wait(level, Math.floor(this.size / tileWidth ** (level + 1)), tile);
    this.#levels[level] = this.#spareTiles.pop() ?? new Tile();
  };

  #level(level: number): Tile {
    return (this.#levels[level] ??= new Tile());
  }

  /**
   * Begins to write the full files that wait, one after the other, beside this thread: making a file takes longer than
   * making a record durable. A file that cannot be written goes on waiting.
   */
  writeSoon(): void {
    const next = this.#waiting[0];
    if (next === undefined || this.#beside !== undefined) return;
    this.#beside = next;
    this.#ended = this.#writeBeside(next).then(
      () => {
        this.#beside = undefined;
        this.#keep(next.content);
        this.writeSoon();
      },
      () => {
        this.#beside = undefined;
      },
    );
  }

  /** Resolves when nothing is being written beside this thread. */
  async idle(): Promise<void> {
    while (this.#beside !== undefined) await this.#ended;
  }

  async #writeBeside(next: Waiting): Promise<void> {
    await this.#drafts.replaceBeside(this.#place(next.path), next.content.bytes);
    if (this.#waiting[0] === next) this.#written(next);
  }

  /** Waits for the file that is written beside. Should that not work, the disk says so here. */
  async #firstWritten(): Promise<void> {
    const first = this.#waiting[0];
    this.writeSoon();
    await this.#ended;
    if (this.#waiting[0] === first) this.writeFirst();
  }

  /** How many full files are not written yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Writes the full file that waits for longest. Throws when the disk does; then it goes on waiting. */
  writeFirst(): void {
    const next = this.#waiting[0];
    if (next === undefined) return;
    this.#write(next.path, next.content.bytes);
    this.#written(next);
    if (this.#beside !== next) this.#keep(next.content);
  }

  #written({ path }: Waiting): void {
    this.#unsettled.push(path);
    this.#waiting.shift();
  }

  /**
   * Writes the full files that wait, and the last, partial tile of each level and the last bundle as they are now: one
   * file a step, whatever is added between two of them. `there`: partial files that need not be written again.
   */
  *publishing(there: readonly string[]): Steps<void> {
    const { size } = this.#frontier;
    const partial: { path: string; bytes: Buffer }[] = [];
    const take = (kind: TileKind, index: number, width: number, bytes: Buffer): void => {
      if (width > 0) partial.push({ path: tilePath(kind, index, width), bytes: Buffer.from(bytes) });
    };
    take('entries', Math.floor(size / tileWidth), this.#bundle.count, this.#bundle.bytes);
    for (const [level, { count, bytes }] of this.#levels.entries())
      take(level, Math.floor(size / tileWidth ** (level + 1)), count, bytes);
    const full = this.#filled;
    while (this.#filled - this.#waiting.length < full)
      yield { now: () => this.writeFirst(), beside: () => this.#firstWritten() };
    for (const { path, bytes } of partial)
      if (!there.includes(path))
        yield {
          now: () => this.#write(path, bytes),
          beside: () => this.#drafts.replaceBeside(this.#place(path), bytes),
        };
  }

  /** The full files written since the last call: syncing them and their folders makes them survive. */
  takeUnsettled(): string[] {
    const paths = this.#unsettled;
    this.#unsettled = [];
    return paths;
  }

  /** They were not synced after all. */
  giveBack(paths: readonly string[]): void {
    this.#unsettled = [...paths, ...this.#unsettled];
  }

  #wait(kind: TileKind, index: number, content: Bundle | Tile): void {
    this.#waiting.push({ path: tilePath(kind, index), content });
    this.#filled++;
  }

  #keep(content: Bundle | Tile): void {
    content.clear();
    if (content instanceof Tile) keepOne(this.#spareTiles, content);
    else keepOne(this.#spareBundles, content);
  }

  #write(path: string, bytes: Buffer): void {
    this.#drafts.replaceNow(this.#place(path), bytes);
  }

  /** Where a file goes. Its folder is there. */
  #place(path: string): string {
    const full = join(this.#folder, path);
    const folder = dirname(full);
    if (!this.#folders.has(folder)) {
      this.#disk.mkdirSync(folder, { recursive: true, mode: 0o700 });
      // Only a hint; forgetting it costs one call that changes nothing.
      if (this.#folders.size > 1_000) this.#folders.clear();
      this.#folders.add(folder);
    }
    return full;
  }
}

function keepOne<Content>(spare: Content[], content: Content): void {
  if (spare.length < maxSpare) spare.push(content);
}

/** Partial tiles and bundles on the disk, of the stretch between two sizes. */
export function partialsBetween(folder: string, from: number, to: number): string[] {
  const found: string[] = [];
  const look = (kind: TileKind, first: number, last: number): void => {
    for (let index = first; index <= last; index++) {
      const path = `${tilePath(kind, index)}.p`;
      if (existsSync(join(folder, path)))
        found.push(...readdirSync(join(folder, path)).map((width) => `${path}/${width}`));
    }
  };
  look('entries', Math.floor(from / tileWidth), Math.floor(to / tileWidth));
  for (let level = 0; level === 0 || to >= tileWidth ** level; level++)
    look(level, Math.floor(from / tileWidth ** (level + 1)), Math.floor(to / tileWidth ** (level + 1)));
  return found;
}

/** Reads nodes of complete subtrees from full tiles, or from the partial ones of a tree of the given size. */
export function tileReader(folder: string, size?: number, settled = 0): ReadNode {
  const fullTiles = (level: number): number => Math.floor(settled / tileWidth ** (level + 1));
  const cache = new Map<string, Buffer>();
  const tile = (level: number, index: number): Buffer => {
    const width =
      size === undefined ? tileWidth : Math.min(tileWidth, Math.floor(size / tileWidth ** level) - index * tileWidth);
    const path = tilePath(level, index, width);
    const known = cache.get(path);
    if (known !== undefined) return known;
    const bytes = readTile(folder, level, index, width);
    if (cache.size > 256) cache.clear();
    cache.set(path, bytes);
    return bytes;
  };
  const node = (height: number, index: number): Buffer => {
    const level = Math.floor(height / 8);
    const inside = height % 8;
    const begin = index * 2 ** inside;
    // Without a size only full tiles are trusted: what a partial one would hold is made from those below it.
    if (size === undefined && level > 0 && Math.floor(begin / tileWidth) >= fullTiles(level))
      return nodeHash(node(height - 1, 2 * index), node(height - 1, 2 * index + 1));
    const bytes = tile(level, Math.floor(begin / tileWidth));
    let hashes = Array.from({ length: 2 ** inside }, (_, each) => {
      const at = ((begin + each) % tileWidth) * hashSize;
      return bytes.subarray(at, at + hashSize);
    });
    if (hashes.some((each) => each.length !== hashSize)) throw new Error(`tile ${level}/${index} is too short`);
    while (hashes.length > 1)
      hashes = Array.from({ length: hashes.length / 2 }, (_, each) =>
        nodeHash(hashes[2 * each] as Buffer, hashes[2 * each + 1] as Buffer),
      );
    return hashes[0] as Buffer;
  };
  return node;
}

/** A tile that has become full or wider meanwhile begins with the one that was asked for. */
function readTile(folder: string, level: number, index: number, width: number): Buffer {
  const exact = join(folder, tilePath(level, index, width));
  // It may grow again between the look at what there is and the reading.
  for (let attempt = 0; ; attempt++) {
    try {
      return readFileSync(attempt === 0 ? exact : widest(folder, level, index)).subarray(0, width * hashSize);
    } catch (error) {
      if (width === tileWidth || attempt === maxAttempts) throw error;
    }
  }
}

function widest(folder: string, level: number, index: number): string {
  const full = join(folder, tilePath(level, index));
  if (existsSync(full) || !existsSync(`${full}.p`)) return full;
  const widths = readdirSync(`${full}.p`).map(Number).filter(Number.isInteger);
  return widths.length === 0 ? full : join(`${full}.p`, String(Math.max(...widths)));
}
