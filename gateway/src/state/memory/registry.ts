/**
 * A registry in this process. Entries stand in a list from the oldest to the newest, and in one of their owner. The maps
 * that find them by key are dropped as wholes, two lifetimes after they were begun: nothing is deleted one by one when
 * it ends, which would keep outgrown tables alive (docs/decisions/0004).
 */

import type { Local } from '../contract/later.ts';
import type { Entry, NewEntry, PutResult, Registry, RegistryBounds } from '../contract/registry.ts';

interface Node<Value> extends Entry<Value> {
  /** It still counts: it was neither taken nor evicted, and was not found to have ended. */
  counts: boolean;
  older: Node<Value> | undefined;
  newer: Node<Value> | undefined;
  olderOfOwner: Node<Value> | undefined;
  newerOfOwner: Node<Value> | undefined;
}

interface Owner<Value> {
  count: number;
  oldest: Node<Value> | undefined;
  newest: Node<Value> | undefined;
}

export class MemoryRegistry<Value> implements Local<Registry<Value>> {
  readonly #bounds: RegistryBounds;
  #recent = new Map<string, Node<Value>>();
  #earlier = new Map<string, Node<Value>>();
  readonly #owners = new Map<string, Owner<Value>>();
  #oldest: Node<Value> | undefined;
  #newest: Node<Value> | undefined;
  #count = 0;
  #turnAt = Number.NEGATIVE_INFINITY;
  #version = 0;

  constructor(bounds: RegistryBounds) {
    this.#bounds = bounds;
  }

  put(entry: NewEntry<Value>, now: number, when?: 'absent' | number): PutResult {
    this.#turn(now);
    this.#endThoseOver(now);
    const known = this.#find(entry.key, now);
    if (when === 'absent' && known !== undefined) return { ok: false, reason: 'exists' };
    if (typeof when === 'number' && known?.version !== when) return { ok: false, reason: 'changed' };
    // What it replaces gives its room to it, and so does one that has ended.
    const standing = this.#standing(entry.key);
    if (standing !== undefined) this.#remove(standing);
    if (!this.#makeRoom(entry.owner)) {
      if (known !== undefined) this.#add(known);
      return { ok: false, reason: 'full' };
    }
    const { key, owner, value } = entry;
    const expiresAt = Math.min(entry.expiresAt ?? Number.POSITIVE_INFINITY, now + this.#bounds.lifetimeMs);
    const places = {
      counts: true,
      older: undefined,
      newer: undefined,
      olderOfOwner: undefined,
      newerOfOwner: undefined,
    };
    const node: Node<Value> = { key, owner, value, expiresAt, version: ++this.#version, ...places };
    this.#add(node);
    return { ok: true, version: node.version };
  }

  get(key: string, now: number): Entry<Value> | undefined {
    return this.#find(key, now);
  }

  take(key: string, now: number): Entry<Value> | undefined {
    const found = this.#standing(key);
    // One that has ended gives its room back as well.
    if (found !== undefined) this.#remove(found);
    return found !== undefined && found.expiresAt > now ? found : undefined;
  }

  list(owner: string, now: number): readonly Entry<Value>[] {
    const found: Entry<Value>[] = [];
    for (let node = this.#owners.get(owner)?.oldest; node !== undefined; node = node.newerOfOwner)
      if (node.expiresAt > now) found.push(node);
    return found;
  }

  size(now: number): number {
    this.#endThoseOver(now);
    return this.#count;
  }

  #find(key: string, now: number): Node<Value> | undefined {
    const node = this.#standing(key);
    return node !== undefined && node.expiresAt > now ? node : undefined;
  }

  #standing(key: string): Node<Value> | undefined {
    const node = this.#recent.get(key) ?? this.#earlier.get(key);
    return node?.counts === true ? node : undefined;
  }

  /** What stands in the earlier map was put more than a lifetime ago when it is dropped, and has ended. */
  #turn(now: number): void {
    const { lifetimeMs } = this.#bounds;
    if (now < this.#turnAt) return;
    const isBoth = now >= this.#turnAt + lifetimeMs;
    this.#earlier = isBoth ? new Map() : this.#recent;
    this.#recent = new Map();
    this.#turnAt = now + lifetimeMs;
  }

  /** From the oldest on, up to the first that has not ended: one that ends before an older one counts as long as that. */
  #endThoseOver(now: number): void {
    for (let node = this.#oldest; node !== undefined && node.expiresAt <= now; node = this.#oldest) {
      this.#unlink(node);
      // One of a short life. All others stand in the earlier map by then, and go with it.
      if (this.#recent.get(node.key) === node) this.#recent.delete(node.key);
    }
  }

  #makeRoom(owner: string): boolean {
    const { maxEntries, maxOfOwner, whenFull } = this.#bounds;
    const own = this.#owners.get(owner);
    const goes =
      own !== undefined && own.count >= maxOfOwner ? own.oldest : this.#count >= maxEntries ? this.#oldest : undefined;
    if (goes === undefined) return true;
    if (whenFull === 'refuse') return false;
    this.#remove(goes);
    return true;
  }

  #add(node: Node<Value>): void {
    node.counts = true;
    this.#recent.set(node.key, node);
    node.older = this.#newest;
    node.newer = undefined;
    if (this.#newest === undefined) this.#oldest = node;
    else this.#newest.newer = node;
    this.#newest = node;
    let own = this.#owners.get(node.owner);
    if (own === undefined) this.#owners.set(node.owner, (own = { count: 0, oldest: undefined, newest: undefined }));
    node.olderOfOwner = own.newest;
    node.newerOfOwner = undefined;
    if (own.newest === undefined) own.oldest = node;
    else own.newest.newerOfOwner = node;
    own.newest = node;
    own.count++;
    this.#count++;
  }

  #remove(node: Node<Value>): void {
    this.#unlink(node);
    if (!this.#recent.delete(node.key)) this.#earlier.delete(node.key);
  }

  #unlink(node: Node<Value>): void {
    node.counts = false;
    if (node.older === undefined) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    if (node.newer === undefined) this.#newest = node.older;
    else node.newer.older = node.older;
    const own = this.#owners.get(node.owner);
    this.#count--;
    if (own === undefined) return;
    if (node.olderOfOwner === undefined) own.oldest = node.newerOfOwner;
    else node.olderOfOwner.newerOfOwner = node.newerOfOwner;
    if (node.newerOfOwner === undefined) own.newest = node.olderOfOwner;
    else node.newerOfOwner.olderOfOwner = node.olderOfOwner;
    if (--own.count === 0) this.#owners.delete(node.owner);
  }
}
