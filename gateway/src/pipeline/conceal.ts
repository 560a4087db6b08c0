/**
 * What is denied must look like what does not exist. A server says in its own words that it has no such resource, and
 * completes names of resources that the caller may not read: both would tell the two apart.
 */
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { codes } from '../protocol/jsonrpc.ts';
import type { Grants } from './decision.ts';
import type { Decided } from './exchange.ts';

/** `resources/read` of a URI that the server does not have: -32002, or invalid params (2026-07-28, resources). */
export function saysNotFound(exchange: Decided, code: number): boolean {
  return exchange.method === 'resources/read' && (code === codes.resourceNotFound || code === codes.invalidParams);
}

/** The result of `completion/complete` without the values that lead to no resource the caller may read. */
export function visibleCompletion(exchange: Decided, result: JsonObject): JsonObject {
  const { capability, grants, params } = exchange;
  const { completion } = result;
  const { argument, context } = params;
  if (capability.type !== 'template' || !isObject(completion) || !Array.isArray(completion.values)) return result;
  if (!isObject(argument) || typeof argument.name !== 'string') return result;
  const known = isObject(context) && isObject(context.arguments) ? context.arguments : {};
  const { name } = argument;
  const values = completion.values as readonly Json[];
  const visible = values.filter(
    (value) =>
      typeof value === 'string' && mayLead(grants, expand(capability.uriTemplate, { ...known, [name]: value })),
  );
  if (visible.length === values.length) return result;
  // How many there are in all is counted by the server, hidden ones included.
  const { total: _total, ...rest } = completion;
  return { ...result, completion: { ...rest, values: visible } };
}

/** A template that is expanded as far as its variables are known (RFC 6570, simple expansion). */
function expand(template: string, values: JsonObject): string {
  return template.replace(/\{([^{}]{1,128})\}/g, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return typeof value === 'string' ? encodeURIComponent(value.toWellFormed()) : whole;
  });
}

function mayLead(grants: Grants, uri: string): boolean {
  return uri.includes('{')
    ? grants.couldAllow({ type: 'template', uriTemplate: uri })
    : grants.couldAllow({ type: 'resource', uri });
}
