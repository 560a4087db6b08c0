/** The target that a request names. Whether it exists is not looked at here. */

import type { Capability } from '../../pipeline/contracts/policy.ts';
import { type Outcome, pass, refuse } from '../../pipeline/refusal.ts';
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import { methods } from '../../protocol/methods.ts';

/** `name` as the client sees it: at the portal an alias. */
export type Target =
  | { readonly type: 'tool' | 'prompt'; readonly name: string; readonly args: JsonObject }
  | { readonly type: 'resource'; readonly uri: string }
  | { readonly type: 'template'; readonly uriTemplate: string };

const maxNameLength = 256;
const maxUriLength = 8192;
const empty: JsonObject = Object.freeze({});

export function targetOf(method: string, params: JsonObject): Outcome<Target> {
  switch (methods.get(method)?.target) {
    case 'tool':
      return named('tool', params);
    case 'prompt':
      return named('prompt', params);
    case 'reference':
      return completion(params);
    case 'resource':
      return typeof params.uri === 'string' && params.uri !== '' && params.uri.length <= maxUriLength
        ? pass({ type: 'resource', uri: params.uri })
        : refuse({ reason: 'bad-params', problem: 'params.uri must be a URI' });
    case undefined:
      return refuse({ reason: 'unknown-method', method });
  }
}

/** The members of a request that the gateway understands. Others, such as those of extensions, are not forwarded. */
export function understood(method: string, params: JsonObject): JsonObject {
  const kept: Record<string, Json> = {};
  for (const name of methods.get(method)?.forwarded ?? []) {
    const value = params[name];
    // Some clients write `null` where they have no arguments.
    if (value !== undefined && !(value === null && name === 'arguments')) kept[name] = value;
  }
  return method === 'completion/complete' ? { ...kept, ...completionParts(kept) } : kept;
}

/** What the protocol has in `ref`, `argument` and `context`, and nothing beside it: no inspector looks at that. */
function completionParts({ ref, argument, context }: JsonObject): JsonObject {
  return {
    ...(isObject(ref) ? { ref: only(ref, ['type', ref.type === 'ref/prompt' ? 'name' : 'uri']) } : {}),
    ...(isObject(argument) ? { argument: only(argument, ['name', 'value']) } : {}),
    ...(isObject(context) ? { context: only(context, ['arguments']) } : {}),
  };
}

function only(value: JsonObject, members: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => members.includes(name)));
}

function named(type: 'tool' | 'prompt', params: JsonObject): Outcome<Target> {
  const { name, arguments: args } = params;
  if (typeof name !== 'string' || name === '' || name.length > maxNameLength)
    return refuse({ reason: 'bad-params', problem: `params.name must be the name of a ${type}` });
  if (args !== undefined && args !== null && !isObject(args))
    return refuse({ reason: 'bad-params', problem: 'params.arguments must be an object' });
  return pass({ type, name, args: args ?? empty });
}

function completion(params: JsonObject): Outcome<Target> {
  const { ref } = params;
  if (isObject(ref) && ref.type === 'ref/prompt' && typeof ref.name === 'string' && ref.name.length <= maxNameLength)
    return pass({ type: 'prompt', name: ref.name, args: empty });
  if (isObject(ref) && ref.type === 'ref/resource' && typeof ref.uri === 'string' && ref.uri.length <= maxUriLength)
    return pass({ type: 'template', uriTemplate: ref.uri });
  return refuse({ reason: 'bad-params', problem: 'params.ref must name a prompt or a resource template' });
}

export function capabilityOf(target: Target): Capability {
  switch (target.type) {
    case 'tool':
    case 'prompt':
      return { type: target.type, name: target.name };
    case 'resource':
      return { type: 'resource', uri: target.uri };
    case 'template':
      return { type: 'template', uriTemplate: target.uriTemplate };
  }
}
