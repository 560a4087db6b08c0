/** At the portal: which of the servers that a caller reaches has a resource. */
import type { Capability } from '../../pipeline/contracts/policy.ts';
import type { ListSnapshot } from '../../pipeline/contracts/snapshot.ts';
import type { UpstreamClient } from '../../pipeline/contracts/upstream.ts';
import type { ReachableServer } from '../../pipeline/reach.ts';
import type { Target } from './target.ts';

/** Milliseconds for which the way of a resource waits for lists that were not read yet. */
const listTimeoutMs = 1_000;

/**
 * The servers that may have a resource: those that list it or have a template for it, then, as some resources are listed
 * nowhere, those whose rules allow it. The first in the order of the configuration wins, here as in the lists: a server
 * that lists a URI does not take it from an earlier one that has it behind a template.
 */
export async function routed(
  servers: readonly ReachableServer[],
  target: Target & { uri?: string; uriTemplate?: string },
) {
  const capability: Capability =
    target.type === 'resource'
      ? { type: 'resource', uri: target.uri }
      : { type: 'template', uriTemplate: target.uriTemplate ?? '' };
  const allowed = servers.filter(({ grants }) => grants.couldAllow(capability));
  if (allowed.length < 2) return allowed;
  const key = target.type === 'resource' ? target.uri : (target.uriTemplate ?? '');
  const kinds = target.type === 'resource' ? (['resources', 'templates'] as const) : (['templates'] as const);
  const unread: Promise<unknown>[] = [];
  const hit = (): ReachableServer | undefined =>
    allowed.find((reachable) =>
      kinds.some((kind) => {
        const { catalog, isDisabled } = reachable;
        // One that is out of service is asked for nothing, and known by its lists of before.
        const read = isDisabled ? (catalog.peek(kind) ?? unlisted) : catalog.read(kind);
        if (read instanceof Promise) unread.push(read);
        else if (kind === 'resources') return read.byName.has(key);
        else
          return hasTemplate(read, reachable, (name) => (target.type === 'template' ? name === key : fits(key, name)));
        return false;
      }),
    );
  let found = hit();
  // A list that was never read may have it; a server that is slow now decides for a moment only how long this takes.
  if (found === undefined && unread.length > 0) {
    await within(unread, listTimeoutMs);
    found = hit();
  }
  if (found !== undefined) return [found];
  const able = allowed.filter(({ upstream, isDisabled }) => !isDisabled && mayHaveResources(upstream.facts()));
  return able.length > 0 ? able.slice(0, 1) : allowed.slice(0, 1);
}

const unlisted: ListSnapshot = { items: [], byName: new Map(), views: new Map() };

/** What is not known yet may be. */
function mayHaveResources(facts: ReturnType<UpstreamClient['facts']>): boolean {
  return facts instanceof Promise || facts.capabilities.resources !== undefined;
}

async function within(waits: readonly Promise<unknown>[], timeMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeMs);
  });
  await Promise.race([Promise.allSettled(waits), late]);
  clearTimeout(timer);
}

/** A template that nothing has approved takes no resource from another server. */
function hasTemplate(
  listed: ListSnapshot,
  { catalog, grants }: ReachableServer,
  isWanted: (template: string) => boolean,
): boolean {
  for (const [uriTemplate, definition] of listed.byName)
    if (isWanted(uriTemplate))
      if (!catalog.isNew(definition) || grants.couldAllow({ type: 'template', uriTemplate, isNew: true })) return true;
  return false;
}

/** Do the literal parts of a template occur in this order, the first at the start and the last at the end? */
function fits(uri: string, template: string): boolean {
  const parts = template.split(/\{[^{}]{1,128}\}/);
  if (parts.length < 2) return false;
  const [first = '', ...rest] = parts;
  const last = rest.pop() ?? '';
  if (!uri.startsWith(first) || !uri.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = uri.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= uri.length - last.length;
}
