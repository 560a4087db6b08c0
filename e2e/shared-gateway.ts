/** One gateway for the tests of a file, as one takes a second to start. */
import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { after, before } from 'node:test';
import { type InProcessServer, listening, urlOf } from './fixtures/in-process.ts';
import { type Gateway, openSettings, type Settings, startGateway } from './harness.ts';

export interface SharedGateway {
  readonly gateway: Gateway;
  /** Has a server of a test listen behind the gateway, under a name that no other one has had. Gives its endpoint. */
  place(server: InProcessServer): Promise<string>;
}

/** `count`: so many servers the tests place in all. Each program of this machine may use everything of them. */
export function sharedGateway(count: number, settings: Settings = {}): SharedGateway {
  const places: [string, Server][] = [];
  let gateway: Gateway | undefined;
  const start = async (): Promise<void> => {
    for (let n = 0; n < count; n++) places.push([`place-${n}`, await listening()]);
    const servers = Object.fromEntries(places.map(([name, server]) => [name, { url: urlOf(server) }]));
    gateway = await startGateway({ ...openSettings('client', servers), ...settings });
  };
  let started: Promise<void> | undefined;
  before(() => (started = start()));
  after(async () => {
    // With --name and a name that no test has, the file is over before this.
    await started;
    await gateway?.stop();
    for (const [, server] of places) {
      server.closeAllConnections();
      server.close();
    }
  });
  const running = (): Gateway => gateway ?? assert.fail('the gateway starts before the first test');
  return {
    get gateway() {
      return running();
    },
    async place(server) {
      const [name, free] = places.shift() ?? assert.fail(`more than ${count} servers`);
      await server.listen(free);
      return running().endpoint(name);
    },
  };
}
