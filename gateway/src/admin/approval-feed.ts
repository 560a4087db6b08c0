/** Tells those who watch what becomes of approvals. What changed is read once for all of them. */
import { nextTurn } from '../pipeline/turns.ts';
import type { ApprovalLine, ApprovalStore } from '../stages/approve/store.ts';
import { inBackground } from '../telemetry/background.ts';

/** `watchers` in all, and of one operator; `atOnce`: so many are told in one turn of the event loop, which calls share. */
export const feedBounds = { watchers: 256, watchersOfOne: 16, approvals: 1_000, atOnce: 2 } as const;

export type Watcher = (approval: ApprovalLine) => void;

export class ApprovalFeed {
  readonly #store: Pick<ApprovalStore, 'lastChange' | 'changedSince'>;
  readonly #watchers = new Map<Watcher, string>();
  /** The last change that was read. */
  #change = 0;
  /** What is to be told yet, the oldest first. */
  #news: readonly ApprovalLine[] = [];
  #isTelling = false;

  constructor(store: Pick<ApprovalStore, 'lastChange' | 'changedSince'>) {
    this.#store = store;
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** Undefined when too many watch already. */
  watch(operator: string, watcher: Watcher): (() => void) | undefined {
    const own = [...this.#watchers.values()].filter((each) => each === operator).length;
    if (this.#watchers.size >= feedBounds.watchers || own >= feedBounds.watchersOfOne) return undefined;
    // What there is already is no news; the one who watches has listed it.
    if (this.#watchers.size === 0) this.#change = this.#store.lastChange();
    this.#watchers.set(watcher, operator);
    return () => void this.#watchers.delete(watcher);
  }

  /** Asked each second, and after each decision. */
  look(): void {
    if (this.#watchers.size === 0) return;
    const news = this.#look();
    if (news.length === 0) return;
    // Who falls so far behind can list.
    this.#news = [...this.#news, ...news].slice(-feedBounds.approvals);
    if (!this.#isTelling) inBackground('tell what became of approvals', this.#tell());
  }

  async #tell(): Promise<void> {
    this.#isTelling = true;
    try {
      for (let approval = this.#news[0]; approval !== undefined; approval = this.#news[0]) {
        this.#news = this.#news.slice(1);
        let told = 0;
        for (const watcher of this.#watchers.keys()) {
          watcher(approval);
          if (++told % feedBounds.atOnce === 0) await nextTurn();
        }
      }
    } finally {
      this.#isTelling = false;
    }
  }

  /** Those that changed since the last look, the oldest first. */
  #look(): readonly ApprovalLine[] {
    const last = this.#store.lastChange();
    if (last === this.#change) return [];
    const changed = this.#store.changedSince(this.#change, feedBounds.approvals, Date.now());
    this.#change = last;
    return changed;
  }
}
