/** Begins a connection to an HTTP server: in the era that is wanted first, then in the other, then over the old transport. */
import type { Bounds } from '../../config/schema/index.ts';
import type { HttpServerConfig } from '../../config/schema/servers.ts';
import type { Step, UpstreamFailure } from '../../pipeline/contracts/upstream.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Era } from '../../protocol/versions.ts';
import type { Connected, ConnectResult } from '../connected.ts';
import type { Eras } from '../eras.ts';
import { unavailable } from '../failures.ts';
import { factsOf, greetingFailure, greetingOf, mayBeOtherEra } from '../handshake.ts';
import { askWithin } from '../own-call.ts';
import { Peer, type PeerEvents } from '../peer.ts';
import type { HttpEndpoint } from './endpoint.ts';
import type { ExchangeLimits } from './post.ts';
import { SseWire } from './sse.ts';
import { StreamableWire } from './streamable.ts';

type Manner = Era | 'old transport';

export interface HttpOpening {
  readonly config: HttpServerConfig;
  readonly endpoint: HttpEndpoint;
  readonly bounds: Bounds;
  readonly limits: ExchangeLimits;
  readonly eras: Eras;
  /** The era that is tried first. */
  readonly era: Era;
  readonly capabilities: JsonObject;
  readonly events: PeerEvents;
  /** What the server is sent and could repeat. */
  readonly secrets: readonly string[];
}

export async function openHttp(opening: HttpOpening): Promise<ConnectResult> {
  const { eras } = opening;
  let first: UpstreamFailure | undefined;
  let posted: UpstreamFailure | undefined;
  const refused: Era[] = [];
  for (const manner of mannersOf(opening)) {
    // The old transport is tried where nothing takes a POST (2025-11-25, backwards compatibility).
    if (manner === 'old transport' && posted !== undefined && !takesNoPost(posted)) break;
    const attempt = await greet(opening, manner);
    const era = manner === 'old transport' ? 'legacy' : manner;
    if (attempt.ok) {
      for (const each of refused) if (each !== era) eras.found(each, false);
      eras.found(era, true);
      eras.hasOldTransport = manner === 'old transport';
      return attempt;
    }
    // The first failure explains more than those of the attempts that follow from it.
    first ??= attempt.failure;
    if (manner === 'legacy') posted = attempt.failure;
    refused.push(era);
    if (!mayBeOtherEra(attempt.failure)) return attempt;
  }
  return { ok: false, failure: first ?? unavailable('not tried') };
}

function mannersOf({ config, eras, era }: HttpOpening): readonly Manner[] {
  if (config.transport === 'sse') return ['old transport'];
  const legacy: readonly Manner[] = eras.hasOldTransport ? ['old transport'] : ['legacy'];
  const last: readonly Manner[] =
    eras.hasOldTransport || config.transport === 'streamable-http' ? [] : ['old transport'];
  switch (eras.declared) {
    case 'modern':
      return ['modern'];
    case 'legacy':
      return [...legacy, ...last];
    case undefined: {
      const order: readonly Manner[] =
        era === 'modern' ? ['modern', ...legacy, ...last] : [...legacy, 'modern', ...last];
      const known = order.filter((manner) => eras.speaks(manner === 'modern' ? 'modern' : 'legacy') !== false);
      return known.length === 0 ? order : known;
    }
  }
}

function takesNoPost(failure: UpstreamFailure): boolean {
  return failure.kind === 'unavailable' && failure.status !== undefined && [400, 404, 405].includes(failure.status);
}

async function greet(opening: HttpOpening, manner: Manner): Promise<ConnectResult> {
  const { endpoint, bounds, limits, capabilities, events, secrets } = opening;
  const era = manner === 'modern' ? 'modern' : 'legacy';
  const peer = new Peer(era, bounds, events);
  peer.attach(
    manner === 'old transport' ? new SseWire(endpoint, limits, peer) : new StreamableWire(endpoint, era, limits, peer),
  );
  const { method, params } = greetingOf(era, capabilities);
  const step: Step = await askWithin(peer, { method, params }, bounds.connectTimeout);
  const facts = step.kind === 'result' ? factsOf(era, step.result, secrets) : undefined;
  if (facts === undefined) {
    await peer.close();
    return { ok: false, failure: greetingFailure(step, secrets) };
  }
  const connected: Connected = { peer, facts };
  if (era === 'legacy') begin(connected);
  return { ok: true, connected };
}

/** Ends the handshake of the legacy era (2025-11-25, lifecycle). */
export function begin({ peer, facts }: Connected): void {
  peer.transport?.agreed(facts.version);
  peer.notify('notifications/initialized', {});
  peer.transport?.openStream();
}
