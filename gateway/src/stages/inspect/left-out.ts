/** What a server says without some of its content: a note stands in the place of what is left out. */
import { asText, isObject, type Json, type JsonObject } from '../../protocol/json.ts';

/** Each says what is wrong; undefined lets it cross. */
export interface Problems {
  /** Of a content block of a result, of a message of a prompt, or of an input request. */
  readonly ofBlock: (block: Json) => string | undefined;
  /** Of an entry of what a resource holds. */
  readonly ofContents: (entry: Json) => string | undefined;
}

/** A result or the parameters of an input request, and how much of it was left out. */
export function leaveOut(
  content: JsonObject,
  { ofBlock, ofContents }: Problems,
): { readonly content: JsonObject; readonly count: number } {
  let count = 0;
  const block = (value: Json): Json => {
    const problem = ofBlock(value);
    if (problem === undefined) return value;
    count++;
    return { type: 'text', text: note(problem) };
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
          const problem = ofContents(entry);
          if (problem === undefined) return entry;
          count++;
          const uri = isObject(entry) ? asText(entry.uri) : '';
          return { uri, mimeType: 'text/plain', text: note(problem) };
        }),
      ];
    return [name, member];
  });
  return { content: count === 0 ? content : (Object.fromEntries(members) as JsonObject), count };
}

/** The URI that a block leads to; undefined for a block that leads nowhere. One that should and has none gives an empty text. */
export function linkOf(block: JsonObject): string | undefined {
  if (block.type === 'resource_link') return asText(block.uri);
  if (block.type !== 'resource') return undefined;
  return isObject(block.resource) ? asText(block.resource.uri) : '';
}

/** The first problem of the blocks that what a tool of the client answered holds. */
export function problemInside(block: JsonObject, ofBlock: Problems['ofBlock']): string | undefined {
  if (block.type !== 'tool_result' || !Array.isArray(block.content)) return undefined;
  for (const inner of block.content as readonly Json[]) {
    const problem = ofBlock(inner);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const note = (problem: string): string => `[left out by the gateway: ${problem}]`;
