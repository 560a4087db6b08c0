/**
 * The one `subscriptions/listen` of a session to a modern server (2026-07-28): for everybody who listens on it, opened anew
 * when what is watched changes or when the server ends it.
 */

import { Cancellation } from '../pipeline/cancellation.ts';
import type { OutboundCall } from '../pipeline/contracts/upstream.ts';
import type { Json, JsonObject } from '../protocol/json.ts';
import { isObject } from '../protocol/json.ts';
import { inBackground } from '../telemetry/background.ts';
import type { Connected } from './connected.ts';
import { ownCall } from './own-call.ts';

const firstPauseMs = 500;
const maxPauseMs = 30_000;
/** A stream that lasted this long was a good one: the next pause is the shortest again. */
const stableAfterMs = 60_000;

export interface ListeningEvents {
  onNotification(method: string, params: JsonObject): void;
  /** The stream has ended by itself; changes may have been missed. */
  onLost(): void;
}

export class Listening {
  readonly #events: ListeningEvents;
  #current: Cancellation | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pause = firstPauseMs;

  #isHeard = false;
  #heard = 0;

  constructor(events: ListeningEvents) {
    this.#events = events;
  }

  /** Listens to list changes and to these resources, in place of what was listened to before. */
  open(connected: Connected, uris: () => readonly string[]): void {
    clearTimeout(this.#timer);
    const previous = this.#current;
    const notifications = wantedOf(connected.facts.capabilities, uris());
    this.#current = undefined;
    if (Object.keys(notifications).length === 0) {
      this.#isHeard = false;
      return previous?.cancel();
    }
    const cancellation = new Cancellation();
    this.#current = cancellation;
    const began = performance.now();
    const call: OutboundCall = {
      ...ownCall('subscriptions/listen', { notifications }, cancellation),
      open: true,
      onNotification: (method, params) => {
        // The new stream is there before the old one ends, so that no change falls between them.
        if (method === 'notifications/subscriptions/acknowledged') {
          previous?.cancel();
          if (this.#current === cancellation) this.#hears();
        } else this.#events.onNotification(method, params);
      },
    };
    const over = connected.peer.call(call).then(() => {
      previous?.cancel();
      if (this.#current !== cancellation) return;
      this.#current = undefined;
      this.#isHeard = false;
      this.#events.onLost();
      this.#pause = performance.now() - began > stableAfterMs ? firstPauseMs : Math.min(this.#pause * 2, maxPauseMs);
      this.#timer = setTimeout(() => {
        if (!connected.peer.isDown) this.open(connected, uris);
      }, this.#pause);
      this.#timer.unref();
    });
    inBackground('subscriptions/listen', over);
  }

  /** Counts the times from which on the server has said to tell changes without a gap; 0 while it does not. */
  get hearing(): number {
    return this.#isHeard ? this.#heard : 0;
  }

  #hears(): void {
    if (!this.#isHeard) this.#heard++;
    this.#isHeard = true;
  }

  close(): void {
    clearTimeout(this.#timer);
    const current = this.#current;
    this.#current = undefined;
    this.#isHeard = false;
    current?.cancel();
  }
}

function wantedOf(capabilities: JsonObject, uris: readonly string[]): JsonObject {
  const wanted: Record<string, Json> = {};
  if (announces(capabilities.tools)) wanted.toolsListChanged = true;
  if (announces(capabilities.prompts)) wanted.promptsListChanged = true;
  if (announces(capabilities.resources)) wanted.resourcesListChanged = true;
  if (uris.length > 0) wanted.resourceSubscriptions = uris;
  return wanted;
}

function announces(capability: Json | undefined): boolean {
  return isObject(capability) && capability.listChanged === true;
}
