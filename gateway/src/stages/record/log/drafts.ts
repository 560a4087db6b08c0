/**
 * Files that replace another one by a rename, so that a reader finds one or the other as a whole. They are written in
 * one folder under unique names: two writers of the same file do not disturb each other, and drafts that a killed
 * process left behind are found.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, writeAll } from './disk.ts';

export type Durability = 'durable' | 'soon';

export class Drafts {
  readonly #folder: string;
  readonly #disk: Disk;
  #names = 0;

  constructor(folder: string, disk: Disk) {
    this.#folder = join(folder, 'drafts');
    this.#disk = disk;
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder, { mode: 0o700 });
  }

  /** The path of a new draft. */
  name(): string {
    return join(this.#folder, String(this.#names++));
  }

  /** Throws when the disk does, and then leaves nothing. */
  writeNow(draft: string, content: string | Uint8Array, durability: Durability): void {
    try {
      const file = this.#disk.openSync(draft, 'w', 0o600);
      try {
        writeAll(this.#disk, Buffer.from(content), { file, position: 0 });
        if (durability === 'durable') this.#disk.fdatasyncSync(file);
      } finally {
        this.#disk.closeSync(file);
      }
    } catch (error) {
      rmSync(draft, { force: true, recursive: true });
      throw error;
    }
  }

  /** The same beside this thread. */
  async writeBeside(draft: string, content: string | Uint8Array, durability: Durability): Promise<void> {
    try {
      await writeFile(draft, content, { mode: 0o600, flush: durability === 'durable' });
    } catch (error) {
      await rm(draft, { force: true, recursive: true });
      throw error;
    }
  }

  replaceNow(path: string, content: string | Uint8Array): void {
    const draft = this.name();
    this.writeNow(draft, content, 'soon');
    this.#disk.renameSync(draft, path);
  }

  async replaceBeside(path: string, content: string | Uint8Array): Promise<void> {
    const draft = this.name();
    await this.writeBeside(draft, content, 'soon');
    await rename(draft, path);
  }
}
