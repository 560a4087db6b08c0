/**
 * A file of zeros that becomes the next segment. What is written in the place of zeros changes neither the size of a file
 * nor its blocks, so a sync has nothing but the records to write: half the time, and none of the stalls of the file
 * system's journal (measured: docs/decisions/0011). Made in the background; a log that goes on without one is only slower.
 */
import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, pieceSize, writeInPieces } from './disk.ts';

export class SpareSegment {
  readonly #path: string;
  readonly #disk: Disk;
  readonly #size: number;
  #state: 'none' | 'making' | 'ready' | 'failed' = 'none';
  #making: Promise<void> | undefined;
  #closing = false;

  /** `size`: bytes. What an earlier process left behind is removed. */
  constructor(folder: string, disk: Disk, size: number) {
    this.#path = join(folder, 'next');
    this.#disk = disk;
    this.#size = size;
    rmSync(this.#path, { force: true, recursive: true });
  }

  get ready(): boolean {
    return this.#state === 'ready';
  }

  /** Begins to make one if there is none. When that fails, there is none for the next segment. */
  prepare(): void {
    if (this.#state !== 'none' || this.#closing) return;
    this.#state = 'making';
    this.#making = this.#make().then(
      () => {
        this.#state = 'ready';
      },
      () => {
        this.#state = 'failed';
      },
    );
  }

  /** Gives the file this name and opens it. `undefined`: there is none. Throws when the disk does. */
  take(path: string): number | undefined {
    if (this.#state === 'failed') this.#state = 'none';
    if (this.#state !== 'ready') return undefined;
    this.#state = 'none';
    this.#disk.renameSync(this.#path, path);
    return this.#disk.openSync(path, 'r+');
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#making;
    rmSync(this.#path, { force: true, recursive: true });
  }

  async #make(): Promise<void> {
    const zeros = Buffer.alloc(pieceSize);
    const file = await open(this.#path, 'w', 0o600);
    try {
      await writeInPieces(
        file,
        { size: this.#size, bytes: (_, length) => zeros.subarray(0, length) },
        () => !this.#closing,
      );
    } catch (error) {
      // A disk that is full needs its space for records.
      await file.truncate().catch(() => {});
      throw error;
    } finally {
      await file.close();
    }
  }
}
