/** Messages that are given to the writer in its own thread, packed as those of the data plane are. */
import type { Message } from '../record/message.ts';
import { type Packed, type Packing, packedAlone, packedAt } from '../record/packed.ts';
import type { RecordSource } from './group.ts';

export class Queue implements RecordSource {
  #waiting: readonly Packing[] = [];
  #taken = 0;

  get isWaiting(): boolean {
    return this.#taken < this.#waiting.length;
  }

  add(messages: readonly Message[]): void {
    this.addPacked(messages.map((message) => packedAlone(message, 0)));
  }

  addPacked(packings: readonly Packing[]): void {
    this.#waiting = [...this.#waiting.slice(this.#taken), ...packings];
    this.#taken = 0;
  }

  peek(): Packed | undefined {
    const packing = this.#waiting[this.#taken];
    return packing === undefined ? undefined : packedAt(packing, { at: 0, number: packing.words[1] ?? 0 });
  }

  take(): void {
    if (++this.#taken < this.#waiting.length) return;
    this.#waiting = [];
    this.#taken = 0;
  }
}
