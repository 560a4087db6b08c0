/** Requests that have come and are not answered to the end. */
import type { Server, ServerResponse } from 'node:http';

const lookMs = 20;

/** What is to be done when a request is over, whichever way. */
export class Ending {
  #act: (() => void) | undefined;

  /** In place of another listener of the response. Called once, while it is open. */
  onEnd(act: () => void): void {
    this.#act = act;
  }

  end(): void {
    this.#act?.();
  }
}

export class UnderWay {
  #count = 0;

  /** A request has come. */
  begin(response: ServerResponse): Ending {
    this.#count++;
    const ending = new Ending();
    response.on('close', () => {
      this.#count--;
      ending.end();
    });
    return ending;
  }

  get count(): number {
    return this.#count;
  }

  /** Resolves when none is left, not before `leastMs` where clients are connected, and not after `maxMs`. */
  async over(server: Server, leastMs: number, maxMs: number): Promise<void> {
    const began = performance.now();
    const connected = await new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
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
