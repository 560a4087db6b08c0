/**
 * Connections that are left, as their server has forgotten the session or seems to be another one by now: the calls on them
 * are waited for. A server refuses by itself what it does not know any more; a connection that is closed says of none of
 * its calls whether it was made.
 */
import { inBackground } from '../telemetry/background.ts';
import type { Peer } from './peer.ts';

/** Connections on which calls are still under way. */
const maxWaiting = 8;

export class Leaving {
  /** Oldest first. */
  readonly #peers = new Set<Peer>();

  /** Are calls still under way? */
  get busy(): boolean {
    return this.#peers.size > 0;
  }

  leave(peer: Peer): void {
    if (peer.isDown || !peer.busy) return this.#end(peer);
    const [oldest] = this.#peers;
    if (oldest !== undefined && this.#peers.size >= maxWaiting) this.#end(oldest);
    this.#peers.add(peer);
  }

  sweep(now: number): void {
    for (const peer of this.#peers) {
      peer.sweep(now);
      if (!peer.busy) this.#end(peer);
    }
  }

  async close(): Promise<void> {
    const peers = [...this.#peers];
    this.#peers.clear();
    await Promise.all(peers.map((peer) => peer.close()));
  }

  #end(peer: Peer): void {
    this.#peers.delete(peer);
    inBackground('close connection', peer.close());
  }
}
