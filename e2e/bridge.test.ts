/** Every client era against every server era, over HTTP and over stdio, through one gateway. */
import { test } from 'node:test';
import { clientKinds, openSession } from './clients.ts';
import { type Era, fixtureCommand, openSettings, startFixture, startGateway } from './harness.ts';
import { makeJourney } from './journey.ts';

const eras: readonly Era[] = ['dual', 'legacy', 'modern'];

test('the same journey in every cell', async (t) => {
  await using started = new AsyncDisposableStack();
  const servers: Record<string, object> = {};
  for (const era of eras) {
    const fixture = started.use(await startFixture(era));
    servers[`http-${era}`] = { url: fixture.url };
    servers[`stdio-${era}`] = { command: fixtureCommand(era) };
  }
  const gateway = started.use(await startGateway(openSettings('e2e', servers)));
  for (const server of Object.keys(servers))
    for (const kind of clientKinds)
      await t.test(`${kind} to ${server}`, async (t) => {
        await using session = await openSession(kind, { url: gateway.endpoint(server) });
        await makeJourney(t, session);
      });
});
