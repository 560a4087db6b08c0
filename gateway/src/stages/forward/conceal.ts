/**
 * What is denied must look like what does not exist. A server says in its own words that it has no such resource, and
 * completes names of resources that the caller may not read: both would tell the two apart.
 */

import type { Grants } from '../../pipeline/contracts/policy.ts';
import type { Decided } from '../../pipeline/exchange.ts';
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import { codes } from '../../protocol/jsonrpc.ts';

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

/** How the expressions of each operator are written: what begins them, what parts their values, and what those keep. */
interface Operator {
  readonly first: string;
  readonly between: string;
  readonly isNamed?: true;
  readonly encode: (value: string) => string;
}

/** `encodeURI` keeps what is reserved but brackets, and writes a percent sign that is part of an escape once more. */
function reserved(value: string): string {
  return encodeURI(value)
    .replace(/%25(?=[0-9a-f]{2})/gi, '%')
    .replaceAll('%5B', '[')
    .replaceAll('%5D', ']');
}

/** RFC 6570, appendix A. */
const operators: ReadonlyMap<string, Operator> = new Map([
  ['', { first: '', between: ',', encode: encodeURIComponent }],
  ['+', { first: '', between: ',', encode: reserved }],
  ['#', { first: '#', between: ',', encode: reserved }],
  ['.', { first: '.', between: '.', encode: encodeURIComponent }],
  ['/', { first: '/', between: '/', encode: encodeURIComponent }],
  [';', { first: ';', between: ';', isNamed: true, encode: encodeURIComponent }],
  ['?', { first: '?', between: '&', isNamed: true, encode: encodeURIComponent }],
  ['&', { first: '&', between: '&', isNamed: true, encode: encodeURIComponent }],
]);

/** A template in which each expression is expanded whose variables are all known. */
function expand(template: string, values: JsonObject): string {
  return template.replace(/\{([+#./;?&]?)([^{}]{1,128})\}/g, (whole, sign: string, list: string) => {
    const operator = operators.get(sign);
    if (operator === undefined) return whole;
    const parts: string[] = [];
    for (const each of list.split(',')) {
      // An explode modifier changes nothing for text.
      const name = each.endsWith('*') ? each.slice(0, -1) : each;
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (typeof value !== 'string') return whole;
      const text = operator.encode(value.toWellFormed());
      parts.push(operator.isNamed ? `${name}=${text}` : text);
    }
    return operator.first + parts.join(operator.between);
  });
}

function mayLead(grants: Grants, uri: string): boolean {
  return uri.includes('{')
    ? grants.couldAllow({ type: 'template', uriTemplate: uri })
    : grants.couldAllow({ type: 'resource', uri });
}
