/**
 * Leaves out links to resources that the caller could never read, and such resources where a server embeds them. Results of
 * tools and prompts would else show what lists and reads of resources hide.
 */
import { defineInspector } from '../../pipeline/contracts/inspector.ts';
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import { leaveOut, linkOf, type Problems, problemInside } from './left-out.ts';

export const hiddenResources = defineInspector({
  id: 'hidden-resources',
  summary: 'Leaves out links to resources, and embedded ones, that no rule of the connection could allow to be read.',
  outbound(said, { exchange }) {
    const mayShow = exchange?.grants.mayShow;
    if (exchange === undefined || mayShow === undefined) return undefined;
    const { kind, content } = said as { readonly kind: string; readonly content: JsonObject };
    if (kind !== 'result' && kind !== 'input-request') return undefined;
    const { capability } = exchange;
    const left = leaveOut(content, problemsOf(mayShow, capability.type === 'resource' ? capability.uri : undefined));
    if (left.count === 0) return undefined;
    exchange.checks.add({ name: 'hidden-resources', part: kind, verdict: `left out ×${left.count}` });
    return { change: left.content };
  },
});

/** Links of one message that are looked at, and characters of each: to look costs as much as a decision. */
const maxLinks = 1_000;
const maxUriLength = 8_192;
const hidden = 'a resource that cannot be read here';

/** `asked`: the resource that is read, which was decided upon. */
function problemsOf(mayShow: (uri: string) => boolean, asked: string | undefined): Problems {
  let links = 0;
  const mayCross = (uri: string): boolean =>
    uri === asked || (uri.length <= maxUriLength && ++links <= maxLinks && mayShow(uri));
  const ofBlock = (block: Json): string | undefined => {
    if (!isObject(block)) return undefined;
    const uri = linkOf(block);
    return uri === undefined || mayCross(uri) ? problemInside(block, ofBlock) : hidden;
  };
  return {
    ofBlock,
    ofContents: (entry) =>
      isObject(entry) && typeof entry.uri === 'string' && !mayCross(entry.uri) ? hidden : undefined,
  };
}
