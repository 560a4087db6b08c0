/** Tells those who watch what becomes of approvals. The table is read once for all of them, and only when it changed. */
import type { ApprovalLine, ApprovalStore } from '../stages/approve/store.ts';

/** Those who watch, and those of one operator. */
export const feedBounds = { watchers: 256, watchersOfOne: 16, approvals: 1_000 } as const;

export type Watcher = (approval: ApprovalLine) => void;

export class ApprovalFeed {
  readonly #store: Pick<ApprovalStore, 'line' | 'marks' | 'version'>;
  readonly #watchers = new Map<Watcher, string>();
  /** What was told of each of the newest approvals. */
  #told: ReadonlyMap<string, string> = new Map();
  #version = -1;

  constructor(store: Pick<ApprovalStore, 'line' | 'marks' | 'version'>) {
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
    if (this.#watchers.size === 0) this.#look();
    this.#watchers.set(watcher, operator);
    return () => void this.#watchers.delete(watcher);
  }

  /** Asked each second, and after each decision. */
  look(): void {
    if (this.#watchers.size === 0) return;
    for (const approval of this.#look()) for (const watcher of this.#watchers.keys()) watcher(approval);
  }

  /** Those that changed since the last look, the oldest first. */
  #look(): readonly ApprovalLine[] {
    const version = this.#store.version();
    if (version === this.#version) return [];
    this.#version = version;
    const before = this.#told;
    this.#told = this.#store.marks(feedBounds.approvals);
    const now = Date.now();
    return [...this.#told]
      .flatMap(([id, mark]) => (before.get(id) === mark ? [] : (this.#store.line(id, now) ?? [])))
      .toReversed();
  }
}
