/** Leaves out content of types, and URIs of schemes, that the connections to the server do not list. */
import { defineInspector } from '../../pipeline/contracts/inspector.ts';
import type { ContentLimits } from '../../pipeline/contracts/policy.ts';
import { asText, isObject, type Json, type JsonObject } from '../../protocol/json.ts';

export const contentTypes = defineInspector({
  id: 'content-types',
  summary: 'Leaves out content of types, and links of URI schemes, that the connection does not list.',
  outbound(said, { exchange }) {
    const limits = exchange?.grants.content;
    if (exchange === undefined || limits === undefined) return undefined;
    const { kind, content } = said as { readonly kind: string; readonly content: JsonObject };
    if (kind !== 'result' && kind !== 'input-request') return undefined;
    if (kind === 'input-request' && content.mode === 'url' && !isListedScheme(content.url, limits)) {
      exchange.checks.add({ name: 'content-types', part: kind, verdict: 'withheld' });
      return { withhold: `the URI scheme of the page is not listed under schemes` };
    }
    const left = limited(content, limits);
    if (left.count === 0) return undefined;
    exchange.checks.add({ name: 'content-types', part: kind, verdict: `left out ×${left.count}` });
    return { change: left.content };
  },
});

/** A result or the parameters of an input request, without the blocks that may not cross. */
function limited(content: JsonObject, limits: ContentLimits): { readonly content: JsonObject; readonly count: number } {
  let count = 0;
  const block = (value: Json): Json => {
    const problem = problemOf(value, limits);
    if (problem === undefined) return value;
    count++;
    return { type: 'text', text: `[left out: ${problem}]` };
  };
  const blocks = (value: Json): Json => (Array.isArray(value) ? (value as readonly Json[]).map(block) : block(value));
  const members = Object.entries(content).map(([name, member]): readonly [string, Json | undefined] => {
    if (name === 'content' && typeof member === 'object' && member !== null) return [name, blocks(member)];
    if (name === 'messages' && Array.isArray(member))
      return [
        name,
        (member as readonly Json[]).map((message) =>
          isObject(message) && message.content !== undefined
            ? { ...message, content: blocks(message.content) }
            : message,
        ),
      ];
    if (name === 'contents' && Array.isArray(member))
      return [
        name,
        (member as readonly Json[]).map((entry) => {
          const problem = typeProblem(typeOfContents(entry), limits);
          if (problem === undefined) return entry;
          count++;
          const uri = isObject(entry) ? asText(entry.uri) : '';
          return { uri, mimeType: 'text/plain', text: `[left out: ${problem}]` };
        }),
      ];
    return [name, member];
  });
  return { content: count === 0 ? content : (Object.fromEntries(members) as JsonObject), count };
}

function problemOf(block: Json, limits: ContentLimits): string | undefined {
  if (!isObject(block)) return typeProblem('', limits);
  const type = asText(block.type);
  const uri = type === 'resource_link' ? block.uri : isObject(block.resource) ? block.resource.uri : undefined;
  const hasUri = type === 'resource_link' || type === 'resource';
  const problem = typeProblem(type, limits);
  if (problem !== undefined) return problem;
  if (hasUri && !isListedScheme(uri, limits)) return 'a link of this URI scheme may not cross here';
  // What a tool of the client answered holds blocks of its own.
  if (type !== 'tool_result' || !Array.isArray(block.content)) return undefined;
  return (block.content as readonly Json[]).map((inner) => problemOf(inner, limits)).find((each) => each !== undefined);
}

function typeProblem(type: string, { types }: ContentLimits): string | undefined {
  if (types === undefined || types.includes(type)) return undefined;
  return 'content of this type may not cross here';
}

/** What the contents of a resource would be as a block. */
function typeOfContents(entry: Json): string {
  if (!isObject(entry)) return '';
  if (typeof entry.text === 'string' && entry.blob === undefined) return 'text';
  return /^(image|audio)\//.exec(asText(entry.mimeType))?.[1] ?? 'resource';
}

function isListedScheme(uri: Json | undefined, { schemes }: ContentLimits): boolean {
  if (schemes === undefined) return true;
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(asText(uri))?.[1];
  return scheme !== undefined && schemes.includes(scheme.toLowerCase());
}
