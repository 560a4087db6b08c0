/** Requests that have come and are not answered to the end. */
import type { Server, ServerResponse } from 'node:http';

const lookMs = 20;

export class UnderWay {
  readonly #server: Server;
  #count = 0;

  constructor(server: Server) {
    this.#server = server;
    server.on('request', (_request, response: ServerResponse) => {
      this.#count++;
      response.on('close', () => this.#count--);
    });
  }

  get count(): number {
    return this.#count;
  }

  /** Resolves when none is left, not before `leastMs` where clients are connected, and not after `maxMs`. */
  async over(leastMs: number, maxMs: number): Promise<void> {
    const began = performance.now();
    const connected = await new Promise<number>((resolve) =>
      this.#server.getConnections((_error, count) => resolve(count)),
    );
    const least = connected > 0 ? leastMs : 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setInterval(() => {
      const past = performance.now() - began;
      if (past < maxMs && (this.#count > 0 || past < least)) return;
      clearInterval(timer);
      resolve();
    }, lookMs);
    await promise;
  }
}
