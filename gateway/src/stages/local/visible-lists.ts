/** What one caller sees of the lists of one server: a change of what is hidden is no change for it. */
import { hash } from 'node:crypto';
import type { ListSnapshot } from '../../pipeline/contracts/snapshot.ts';
import type { Reached } from '../../pipeline/reach.ts';
import type { ListKind } from '../../protocol/methods.ts';
import { view } from './lists.ts';

const kinds: readonly ListKind[] = ['tools', 'prompts', 'resources', 'templates'];
/** An item that cannot be shown is logged where the list is answered. */
const silent = { warn: () => {} };

interface Seen {
  /** Digests of the list as the server has it, and as the caller sees it. */
  readonly whole: string;
  readonly visible: string;
}

const wholes = new WeakMap<ListSnapshot, string>();
const views = new WeakMap<Buffer, string>();

export class VisibleLists {
  readonly #reached: Reached;
  /** Each list as it was seen last; `undefined` where it was never read. */
  readonly #seen = new Map<ListKind, Seen | undefined>();

  constructor(reached: Reached) {
    this.#reached = reached;
    for (const kind of kinds) {
      const snapshot = reached.catalog.peek(kind);
      this.#seen.set(kind, snapshot && this.#look(kind, snapshot));
    }
  }

  /**
   * Reads lists that a server says have changed. False when something changed, and nothing that the caller sees: an
   * announcement without a change tells nothing, and is passed on as the server meant it.
   */
  async differ(changed: readonly ListKind[]): Promise<boolean> {
    let isHiddenOnly = false;
    let isVisible = false;
    for (const kind of changed) {
      const read = this.#reached.catalog.read(kind);
      const result = read instanceof Promise ? await read : ({ ok: true, snapshot: read } as const);
      const before = this.#seen.get(kind);
      const now = result.ok ? this.#look(kind, result.snapshot) : undefined;
      this.#seen.set(kind, now);
      if (before === undefined || now === undefined || before.visible !== now.visible) isVisible = true;
      else if (before.whole !== now.whole) isHiddenOnly = true;
    }
    return isVisible || !isHiddenOnly;
  }

  #look(kind: ListKind, snapshot: ListSnapshot): Seen {
    const shown = view({ reached: this.#reached, kind, snapshot, era: 'modern', log: silent }, 'server');
    const visible = views.get(shown) ?? hash('sha256', shown, 'base64url');
    views.set(shown, visible);
    const whole = wholes.get(snapshot) ?? hash('sha256', JSON.stringify(snapshot.items), 'base64url');
    wholes.set(snapshot, whole);
    return { whole, visible };
  }
}
