/**
 * The way back. The one function through which everything goes that a server says and a client gets: results, errors,
 * notifications, input requests, definitions, and how a server introduces itself.
 */

import type { Json, JsonObject } from '../protocol/json.ts';
import { messageOf } from '../protocol/result.ts';
import type { Inspector, Origin, OutboundVerdict, Said } from './contracts/inspector.ts';

declare const delivered: unique symbol;

/** What a client may get: it passed `deliver`, or the gateway said it itself. Nothing else has this type. */
export type Delivered<Content> = Content & { readonly [delivered]: true };

export type Delivery<Content> =
  | { readonly ok: true; readonly content: Delivered<Content> }
  /** `inspector`: the id of the one that withheld it. `detail` is for the operator. */
  | { readonly ok: false; readonly inspector: string; readonly detail: string; readonly guardrail?: string };

/** Answers at once unless an inspector takes its time. The content is the same object when nothing was changed. */
export type Deliver = <Content extends object>(
  said: Said<Content>,
  origin: Origin,
) => Delivery<Content> | Promise<Delivery<Content>>;

/** The gateway's own words, in which nothing comes from a server. */
export function ownWords<Content>(content: Content): Delivered<Content> {
  return content as Delivered<Content>;
}

/** A result that was delivered, with a text of the gateway's own behind its content. */
export function withNote(result: Delivered<JsonObject>, note: string): Delivered<JsonObject> {
  const content = Array.isArray(result.content) ? (result.content as readonly Json[]) : [];
  return { ...result, content: [...content, { type: 'text', text: note }] } as JsonObject as Delivered<JsonObject>;
}

/** The inspectors work in their order, each on what the one before it left. */
export function deliverThrough(inspectors: readonly Inspector[]): Deliver {
  const outbound = inspectors.filter((inspector) => inspector.outbound !== undefined);

  function from<Content extends object>(
    first: number,
    said: Said<Content>,
    origin: Origin,
  ): Delivery<Content> | Promise<Delivery<Content>> {
    let current = said;
    for (let index = first; index < outbound.length; index++) {
      const inspector = outbound[index];
      const verdict = inspector === undefined ? undefined : judge(inspector, current, origin);
      if (inspector === undefined || verdict === undefined) continue;
      if (verdict instanceof Promise)
        return verdict.catch(failed).then((late) => {
          const next = judged(inspector, current, late);
          return next.ok ? from(index + 1, next.said, origin) : next;
        });
      const next = judged(inspector, current, verdict);
      if (!next.ok) return next;
      current = next.said;
    }
    return { ok: true, content: current.content as Delivered<Content> };
  }
  return (said, origin) => from(0, said, origin);
}

/** An inspector that fails lets nothing through: what it did not judge may be what it is there for. */
function failed(error: unknown): OutboundVerdict {
  return { withhold: `failed: ${messageOf(error)}` };
}

function judge(inspector: Inspector, said: Said<object>, origin: Origin): OutboundVerdict | Promise<OutboundVerdict> {
  try {
    return inspector.outbound?.(said, origin);
  } catch (error) {
    return failed(error);
  }
}

function judged<Content>(
  { id }: Inspector,
  said: Said<Content>,
  verdict: OutboundVerdict,
):
  | { readonly ok: true; readonly said: Said<Content> }
  | { readonly ok: false; readonly inspector: string; readonly detail: string; readonly guardrail?: string } {
  if (verdict === undefined) return { ok: true, said };
  if ('withhold' in verdict) {
    const { withhold, guardrail } = verdict;
    return { ok: false, inspector: id, detail: withhold, ...(guardrail !== undefined && { guardrail }) };
  }
  // An inspector changes texts and members, never what kind of thing it is.
  return { ok: true, said: { ...said, content: verdict.change as Content } };
}
