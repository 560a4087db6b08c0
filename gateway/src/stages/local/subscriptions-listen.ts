/** `subscriptions/listen` (2026-07-28): one stream with exactly the notifications that were asked for and are allowed. */

import { type Deliver, type Delivered, ownWords } from '../../pipeline/deliver.ts';
import type { Admitted, Reply } from '../../pipeline/exchange.ts';
import type { Inspect } from '../../pipeline/inspect.ts';
import type { Refusal } from '../../pipeline/refusal.ts';
import type { Rights } from '../../pipeline/rights.ts';
import type { EndReason, Streams } from '../../pipeline/streams.ts';
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import { metaKeys } from '../../protocol/meta.ts';
import { maxWatches, Subscription } from './subscription.ts';

const maxUriLength = 8_192;

const flags: Readonly<Record<string, string>> = {
  toolsListChanged: 'notifications/tools/list_changed',
  promptsListChanged: 'notifications/prompts/list_changed',
  resourcesListChanged: 'notifications/resources/list_changed',
};

export interface ListenParts {
  readonly rights: Rights;
  readonly streams: Streams;
  readonly deliver: Deliver;
  readonly inspect: Inspect;
  /** Records that the stream opens; what it returns keeps it from opening. */
  readonly open: () => Promise<Refusal | undefined>;
}

/** Resolves when the stream is over: by the client, by the end of its credential, or by a revision that ends it. */
export async function listen(
  exchange: Admitted,
  { rights, streams, deliver, inspect, open }: ListenParts,
): Promise<Reply> {
  const began = rights.snapshot();
  const asked = exchange.params.notifications;
  if (!isObject(asked)) return bad('params.notifications must say what to listen to');
  const uris = asked.resourceSubscriptions ?? [];
  if (!Array.isArray(uris) || uris.length > maxWatches)
    return bad(`at most ${maxWatches} resources can be listened to`);
  if (!(uris as readonly Json[]).every((uri) => typeof uri === 'string' && uri.length <= maxUriLength))
    return bad('params.notifications.resourceSubscriptions must be URIs');

  const methods = new Set<string>();
  const honoured: Record<string, Json> = {};
  for (const [flag, method] of Object.entries(flags))
    if (asked[flag] === true) {
      methods.add(method);
      honoured[flag] = true;
    }
  const tagged = (params: Delivered<JsonObject>): Delivered<JsonObject> => ({
    ...params,
    _meta: { ...(isObject(params._meta) ? params._meta : {}), [metaKeys.subscriptionId]: exchange.requestId },
  });
  let acknowledged = false;
  const who = {
    snapshot: () => rights.snapshot(),
    caller: () => rights.renew(exchange.caller),
    deliver,
    inspect,
    watched: streams.watched,
  };
  const subscription = new Subscription(exchange, who, (method, params) => {
    // A revision may change while the stream opens; nothing precedes the acknowledgement.
    if (acknowledged && (methods.has(method) || method === 'notifications/resources/updated'))
      exchange.channel.notify(method, tagged(params));
  });
  if (exchange.endpoint.kind === 'server' && subscription.size === 0) {
    subscription.close();
    return {
      kind: 'refused',
      refusal: { reason: 'endpoint-unknown', detail: `no connection to ${exchange.endpoint.server}` },
    };
  }
  const watched = await subscription.watchAnywhere(uris as readonly string[], exchange.checks);
  const unrecorded = await open();
  if (unrecorded !== undefined) {
    subscription.close();
    return { kind: 'refused', refusal: unrecorded };
  }
  if (watched.length > 0) honoured.resourceSubscriptions = watched;
  exchange.channel.notify('notifications/subscriptions/acknowledged', tagged(ownWords({ notifications: honoured })));
  acknowledged = true;

  const { promise: over, resolve: end } = Promise.withResolvers<EndReason | 'client'>();
  const refresh = (): void => {
    subscription.refresh();
    if (exchange.endpoint.kind === 'server' && subscription.size === 0) end('disconnected');
  };
  const remove = streams.add({ caller: exchange.caller, end, refresh });
  // A revision that came into force while the opening was recorded has passed this stream by.
  if (rights.snapshot() !== began) refresh();
  exchange.cancellation.onCancel(() => end('client'));
  const ended = await over;
  remove();
  subscription.close();
  if (ended === 'client') return { kind: 'refused', refusal: { reason: 'cancelled' } };
  return {
    kind: 'result',
    result: ownWords({ resultType: 'complete', _meta: { [metaKeys.subscriptionId]: exchange.requestId } }),
  };
}

function bad(problem: string): Reply {
  return { kind: 'refused', refusal: { reason: 'bad-params', problem } };
}
