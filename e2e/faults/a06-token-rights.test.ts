/** A6 for callers with tokens: the same things held open, against the ways in which the right of a token ends. */
import { test } from 'node:test';
import { type Gateway, startGateway } from '../harness.ts';
import { type Claims, type Issuer, startIssuer } from '../issuer.ts';
import { nothingReaches } from './holding.ts';
import { PushingServer } from './pushing.ts';
import { reload } from './reload.ts';

const seconds = (): number => Math.floor(Date.now() / 1_000);

/** Each ends the right of the caller; of claims a token has at least its audience. */
const ways: Readonly<
  Record<string, { readonly claims?: () => Claims; readonly end: (gateway: Gateway) => Promise<unknown> }>
> = {
  'its token expires': { claims: () => ({ exp: seconds() + 5 }), end: () => Promise.resolve() },
  'its issuer is removed': {
    end: (gateway) => reload(gateway, (file) => (file.authentication = { issuers: {} })),
  },
  'its group has the role no more': {
    end: (gateway) => reload(gateway, (file) => (file.callers = { roles: { reader: { groups: ['others'] } } })),
  },
};

function settings(server: PushingServer, issuer: Issuer) {
  return {
    authentication: { issuers: { main: { issuer: issuer.issuer, skew: '0s' } } },
    callers: { roles: { reader: { groups: ['readers'] } } },
    servers: { pushing: { url: server.url } },
    connections: [
      {
        name: 'all',
        from: { role: 'reader' },
        to: 'pushing',
        tools: [{ allow: '*' }],
        resources: [{ allow: '*' }],
      },
    ],
  };
}

for (const [name, { claims, end }] of Object.entries(ways))
  test(`A6, D5: nothing reaches a caller after ${name}`, async () => {
    await using server = await new PushingServer().listen();
    await using issuer = await startIssuer();
    await using gateway = await startGateway(settings(server, issuer));
    const aud = [gateway.endpoint('pushing'), `${gateway.mcp}/mcp`];
    const key = await issuer.sign({ aud, sub: 'dana', groups: ['readers'], ...claims?.() });
    await nothingReaches({ server, gateway, key }, () => end(gateway), false);
  });
