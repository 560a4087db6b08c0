/**
 * Leaves out links to resources that the caller could never read, and such resources where a server embeds them. Results of
 * tools and prompts would else show what lists and reads of resources hide.
 */
import { defineInspector, type OutboundVerdict } from '../../pipeline/contracts/inspector.ts';
import { inTurns } from '../../pipeline/turns.ts';
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
    const asked = capability.type === 'resource' ? capability.uri : undefined;
    const conclude = (shown: ReadonlySet<string>): OutboundVerdict => {
      const left = leaveOut(
        content,
        problemsOf((uri) => uri === asked || shown.has(uri)),
      );
      if (left.count === 0) return undefined;
      exchange.checks.add({ name: 'hidden-resources', part: kind, verdict: `left out ×${left.count}` });
      return { change: left.content };
    };
    const shown = inTurns(shownOf(linksIn(content), mayShow));
    return shown instanceof Promise ? shown.then(conclude) : conclude(shown);
  },
});

/** Links of one message that are looked at, and characters of each: to look costs as much as a decision. */
const maxLinks = 1_000;
const maxUriLength = 8_192;
const hidden = 'a resource that this caller cannot read';

/** What a message leads to, the first thousand of it. */
function linksIn(content: JsonObject): ReadonlySet<string> {
  const links = new Set<string>();
  const see = (uri: string): boolean => {
    if (uri.length <= maxUriLength && links.size < maxLinks) links.add(uri);
    return true;
  };
  leaveOut(content, problemsOf(see));
  return links;
}

/** Those that could be read. Many long ones take most of a second, so that they are decided upon in turns. */
function* shownOf(
  links: ReadonlySet<string>,
  mayShow: (uri: string) => boolean,
): Generator<undefined, ReadonlySet<string>> {
  const shown = new Set<string>();
  for (const uri of links) {
    if (mayShow(uri)) shown.add(uri);
    yield;
  }
  return shown;
}

function problemsOf(mayCross: (uri: string) => boolean): Problems {
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
