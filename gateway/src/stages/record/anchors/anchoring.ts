/** Hands checkpoints to anchors from time to time. The failure of an anchor is reported and delays no record. */
import { LogReader } from '../read/log-reader.ts';
import type { AnchorSettings } from '../settings.ts';
import type { Anchor } from './contract.ts';

/** The first time comes soon after the start. */
const first = 5_000;

export class Anchoring {
  readonly #reader: LogReader;
  readonly #onTrouble: (problem: string) => void;
  #settings: AnchorSettings;
  #anchors: readonly Anchor[] = [];
  #loading: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #last = -1;
  #closed = false;

  constructor(folder: string, settings: AnchorSettings, onTrouble: (problem: string) => void) {
    this.#reader = new LogReader(folder);
    this.#settings = settings;
    this.#onTrouble = onTrouble;
    this.#loading = this.#load(settings);
  }

  configure(settings: AnchorSettings): void {
    // Anchors remember what they have seen, so they stay while nothing changes.
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return;
    this.#settings = settings;
    clearTimeout(this.#timer);
    this.#loading = this.#loading.then(() => this.#load(settings));
  }

  /** What talks to the network is half of what the thread of a log loads, and most logs have no anchors. */
  async #load(settings: AnchorSettings): Promise<void> {
    const { files, urls, witnesses, timestamps } = settings;
    const count = files.length + urls.length + witnesses.length + timestamps.length;
    try {
      this.#anchors = count === 0 ? [] : (await import('./index.ts')).anchorsOf(settings);
    } catch (error) {
      this.#anchors = [];
      this.#onTrouble(`nothing is anchored: ${textOf(error)}`);
    }
    this.#plan(Math.min(first, settings.every));
  }

  /** One last time for what has been written since. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loading;
    clearTimeout(this.#timer);
    await this.#working;
    await this.#work();
  }

  #plan(wait: number): void {
    clearTimeout(this.#timer);
    // A timer that is left would keep the thread of the log, and with it the gateway, from its end.
    if (this.#closed || this.#anchors.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#working = this.#work().finally(() => this.#plan(this.#settings.every));
    }, wait);
  }

  #read(): ReturnType<LogReader['checkpoint']> {
    try {
      return this.#reader.checkpoint();
    } catch (error) {
      this.#onTrouble(`nothing is anchored: ${textOf(error)}`);
      return undefined;
    }
  }

  async #work(): Promise<void> {
    const checkpoint = this.#read();
    if (checkpoint === undefined || checkpoint.size === this.#last) return;
    const results = await Promise.allSettled(
      this.#anchors.map((anchor) => anchor.anchor(checkpoint, this.#reader.folder)),
    );
    let failed = false;
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') continue;
      failed = true;
      this.#onTrouble(`${this.#anchors[index]?.name}: ${textOf(result.reason)}`);
    }
    if (!failed) this.#last = checkpoint.size;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
