/** What one caller sees of the lists of one server: a change of what is hidden is no change for it. */
import { createHash, hash } from 'node:crypto';
import type { ListSnapshot } from '../../pipeline/contracts/snapshot.ts';
import type { ReachableServer } from '../../pipeline/reach.ts';
import { turnsOf } from '../../pipeline/turns.ts';
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

const wholes = new WeakMap<ListSnapshot, Promise<string>>();
const views = new WeakMap<Buffer, string>();

export class VisibleLists {
  readonly #reachable: ReachableServer;
  /** Each list as it was seen last; absent where it was never read. A stream keeps no list alive. */
  readonly #seen = new Map<ListKind, Promise<Seen>>();

  constructor(reachable: ReachableServer) {
    this.#reachable = reachable;
    for (const kind of kinds) {
      const listed = reachable.catalog.peek(kind);
      if (listed !== undefined) this.#seen.set(kind, this.#look(kind, listed));
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
      const read = this.#reachable.catalog.read(kind);
      const result = read instanceof Promise ? await read : ({ ok: true, listed: read } as const);
      const before = await this.#seen.get(kind);
      const looking = result.ok ? this.#look(kind, result.listed) : undefined;
      if (looking === undefined) this.#seen.delete(kind);
      else this.#seen.set(kind, looking);
      const now = await looking;
      if (before === undefined || now === undefined || before.visible !== now.visible) isVisible = true;
      else if (before.whole !== now.whole) isHiddenOnly = true;
    }
    return isVisible || !isHiddenOnly;
  }

  async #look(kind: ListKind, listed: ListSnapshot): Promise<Seen> {
    const shown = await view({ reachable: this.#reachable, kind, listed, era: 'modern', log: silent }, 'server');
    const visible = views.get(shown) ?? hash('sha256', shown, 'base64url');
    views.set(shown, visible);
    return { whole: await wholeOf(listed), visible };
  }
}

/** The digest of a list as the server has it. */
function wholeOf(listed: ListSnapshot): Promise<string> {
  const known = wholes.get(listed) ?? digestOf(listed);
  wholes.set(listed, known);
  return known;
}

async function digestOf({ items }: ListSnapshot): Promise<string> {
  const whole = createHash('sha256');
  const turns = turnsOf();
  for (const item of items) {
    if (turns.isOver()) await turns.next();
    whole.update(`${JSON.stringify(item)}\n`);
  }
  return whole.digest('base64url');
}
