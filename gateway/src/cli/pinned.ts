/** What pins make of one capability, for `explain`: as far as a gateway or `server discover` has seen its definition. */
import type { Revision } from '../config/revision.ts';
import { type Reviewed, reviewed } from '../pins/review.ts';
import { pinsOf } from '../pins/settings.ts';
import { isKept, openExistingPinStore } from '../pins/store.ts';
import type { Capability } from '../pipeline/contracts/policy.ts';
import type { PinnedKind } from '../protocol/pinned-kinds.ts';
import { suspicions } from '../stages/inspect/suspicions.ts';

export type PinnedAs =
  /** Approved, not pinned at all, or never seen. */
  | { readonly state: 'open' }
  /** Nothing has approved it, and nothing speaks against it: rules with `includeNew` show it. */
  | { readonly state: 'new'; readonly target: string }
  | { readonly state: 'hidden'; readonly target: string; readonly problem: string };

const open: PinnedAs = { state: 'open' };

/** Throws when the store of the pins cannot be read. */
export function pinnedAs({ configuration, lock }: Revision, server: string, capability: Capability): PinnedAs {
  const { mode } = pinsOf(configuration, server);
  const named = definitionNameOf(capability);
  if (mode === 'off' || named === undefined) return open;
  const { kind, name } = named;
  const store = openExistingPinStore(configuration.data);
  if (store === undefined) return open;
  try {
    const digest = store.current(server, kind)?.get(name);
    const rows = reviewed(store, server).filter(({ stored }) => stored.kind === kind && stored.name === name);
    const row = rows.find(({ stored }) => stored.digest === digest);
    if (digest === undefined || row === undefined) return open;
    const target = `${server}/${name}`;
    if (mode === 'lock')
      return lock?.has(server, kind, name, digest) === true
        ? open
        : { state: 'hidden', target, problem: 'the lock file does not have its definition' };
    return judged(row, rows, target);
  } finally {
    store.close();
  }
}

function judged({ state, stored }: Reviewed, rows: readonly Reviewed[], target: string): PinnedAs {
  const hidden = (problem: string): PinnedAs => ({ state: 'hidden', target, problem });
  switch (state) {
    case 'approved':
    case 'missing':
      return open;
    case 'rejected':
      return hidden('its definition was rejected');
    case 'changed':
      return hidden('its definition changed, and nothing has approved that yet');
    case 'pending':
      if (rows.some((row) => row.state === 'rejected')) return hidden('an earlier definition of it was rejected');
      return isKept(stored) && suspicions(stored.content).length === 0
        ? { state: 'new', target }
        : hidden('nothing has approved its definition, and a detector found something in it');
  }
}

function definitionNameOf(
  capability: Capability,
): { readonly kind: Exclude<PinnedKind, 'instructions'>; readonly name: string } | undefined {
  switch (capability.type) {
    case 'tool':
      return { kind: 'tools', name: capability.name };
    case 'prompt':
      return { kind: 'prompts', name: capability.name };
    case 'template':
      return { kind: 'templates', name: capability.uriTemplate };
    case 'resource':
      return undefined;
  }
}
