/** A definition as the operator has it shown: texts of a reviewed version in place of those of the server. */
import type { ServerConfig } from '../config/schema/servers.ts';
import { asText, isObject, type Json, type JsonObject } from '../protocol/json.ts';
import type { ListKind } from '../protocol/methods.ts';
import type { Validate } from './schema.ts';
import { toldOf } from './tools.ts';

/** Under `_meta` of a tool: one client asks its user before each call, even where it asks for nothing else. */
const promptKey = 'anthropic/requiresUserInteraction';

export function presented(kind: ListKind, item: JsonObject, config: ServerConfig): JsonObject {
  const told = kind === 'tools' ? toldOf(config, asText(item.name)) : undefined;
  if (told === undefined) return item;
  const { description, title, annotations, hide, prompt } = told;
  if (
    description === undefined &&
    title === undefined &&
    annotations === undefined &&
    hide.length === 0 &&
    prompt === undefined
  )
    return item;
  return {
    ...item,
    ...(description !== undefined && { description }),
    ...(title !== undefined && { title }),
    ...(annotations !== undefined && {
      annotations: { ...(isObject(item.annotations) ? item.annotations : {}), ...(annotations as JsonObject) },
    }),
    ...(hide.length > 0 && isObject(item.inputSchema) && { inputSchema: without(item.inputSchema, hide) }),
    ...(prompt === 'always' && { _meta: { ...(isObject(item._meta) ? item._meta : {}), [promptKey]: true } }),
  };
}

/** An argument that is hidden is one that the schema does not name: it is refused like any other. */
function without(schema: JsonObject, hidden: readonly string[]): JsonObject {
  const { properties, required } = schema;
  if (!isObject(properties)) return schema;
  const kept = Object.entries(properties).filter(([name]) => !hidden.includes(name));
  const needed = Array.isArray(required)
    ? (required as readonly Json[]).filter((name) => typeof name !== 'string' || !hidden.includes(name))
    : undefined;
  return {
    ...schema,
    properties: Object.fromEntries(kept),
    ...(needed !== undefined && { required: needed }),
  };
}

/** An argument that the operator hides is refused, wherever the schema speaks of it. */
export function withoutHidden(validate: Validate, hidden: readonly string[]): Validate {
  if (hidden.length === 0) return validate;
  return (args) => {
    const name = hidden.find((each) => Object.hasOwn(args, each));
    return name === undefined ? validate(args) : [`arguments/${name}: is not an argument of this tool`];
  };
}
