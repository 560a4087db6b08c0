/** Lists of which nothing is compiled: prompts, resources, resource templates. */
import type { JudgedDefinition } from '../pipeline/contracts/pins.ts';
import type { ListSnapshot } from '../pipeline/contracts/snapshot.ts';
import type { Delivered } from '../pipeline/deliver.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ListKind } from '../protocol/methods.ts';

/** Of what is not pinned. */
export function settled(content: JsonObject): JudgedDefinition {
  return { content, isNew: false };
}

const nameMembers = { prompts: 'name', resources: 'uri', templates: 'uriTemplate' } as const;

export function plainSnapshot(kind: Exclude<ListKind, 'tools'>, items: readonly Delivered<JsonObject>[]): ListSnapshot {
  const byName = new Map<string, Delivered<JsonObject>>();
  for (const item of items) {
    const name = item[nameMembers[kind]];
    if (typeof name === 'string' && name.length <= 8192 && !byName.has(name)) byName.set(name, item);
  }
  return { items: [...byName.values()], byName, views: new Map() };
}
