/** What one caller sees of the lists of one server: a change of what is hidden is no change for it. */
import { hash } from 'node:crypto';
import type { ListSnapshot } from '../pipeline/graph.ts';
import type { ListKind } from '../protocol/methods.ts';
import type { Reached } from './connect.ts';
import { view } from './lists.ts';

const kinds: readonly ListKind[] = ['tools', 'prompts', 'resources', 'templates'];
/** An item that cannot be shown is logged where the list is answered. */
const silent = { warn: () => {} };
const digests = new WeakMap<Buffer, string>();

export class VisibleLists {
  readonly #reached: Reached;
  /** A digest of each list as it was seen last; `undefined` where it was never read. */
  readonly #seen = new Map<ListKind, string | undefined>();

  constructor(reached: Reached) {
    this.#reached = reached;
    for (const kind of kinds) {
      const snapshot = reached.catalog.peek(kind);
      this.#seen.set(kind, snapshot && this.#digest(kind, snapshot));
    }
  }

  /** Reads lists that changed. True when the caller sees a difference, or when that cannot be told. */
  async differ(changed: readonly ListKind[]): Promise<boolean> {
    let differs = false;
    for (const kind of changed) {
      const read = this.#reached.catalog.read(kind);
      const result = read instanceof Promise ? await read : ({ ok: true, snapshot: read } as const);
      const now = result.ok ? this.#digest(kind, result.snapshot) : undefined;
      if (now === undefined || now !== this.#seen.get(kind)) differs = true;
      this.#seen.set(kind, now);
    }
    return differs;
  }

  #digest(kind: ListKind, snapshot: ListSnapshot): string {
    const shown = view({ reached: this.#reached, kind, snapshot, era: 'modern', log: silent }, 'server');
    const known = digests.get(shown) ?? hash('sha256', shown, 'base64url');
    digests.set(shown, known);
    return known;
  }
}
