/** Leaves out content of types, and URIs of schemes, that the connections to the server do not list. */
import { defineInspector } from '../../pipeline/contracts/inspector.ts';
import type { ContentLimits } from '../../pipeline/contracts/policy.ts';
import { asText, isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import { leaveOut, linkOf, type Problems, problemInside } from './left-out.ts';

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
    const left = leaveOut(content, problemsOf(limits));
    if (left.count === 0) return undefined;
    exchange.checks.add({ name: 'content-types', part: kind, verdict: `left out ×${left.count}` });
    return { change: left.content };
  },
});

function problemsOf(limits: ContentLimits): Problems {
  const ofBlock = (block: Json): string | undefined => {
    if (!isObject(block)) return typeProblem('', limits);
    const problem = typeProblem(asText(block.type), limits);
    if (problem !== undefined) return problem;
    const uri = linkOf(block);
    if (uri !== undefined && !isListedScheme(uri, limits)) return 'links with this URI scheme are not allowed';
    return problemInside(block, ofBlock);
  };
  return { ofBlock, ofContents: (entry) => typeProblem(typeOfContents(entry), limits) };
}

function typeProblem(type: string, { types }: ContentLimits): string | undefined {
  if (types === undefined || types.includes(type)) return undefined;
  return 'content of this type is not allowed';
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
