/** A6 for callers with tokens: the same things held open, against the ways in which the right of a token ends. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Gateway, startGateway } from '../harness.ts';
import { type Claims, type Issuer, startIssuer } from '../issuer.ts';
import { nothingReaches } from './holding.ts';
import { PushingServer } from './pushing.ts';
import { reload } from './reload.ts';

const seconds = (): number => Math.floor(Date.now() / 1_000);

/** The part of the configuration that ends rights. */
interface File {
  readonly authentication: { readonly issuers: Record<string, object> };
  readonly callers: { readonly roles: Record<string, object> };
}

const change = (edit: (file: File) => void): Promise<void> => reload(gateway, (file) => edit(file as unknown as File));

/** Each ends the right of the caller, whose issuer, group, role and server have this name. A token has at least its audience. */
const ways: Readonly<
  Record<string, { readonly claims?: () => Claims; readonly end: (name: string) => Promise<unknown> }>
> = {
  'its token expires': { claims: () => ({ exp: seconds() + 5 }), end: () => Promise.resolve() },
  'its issuer is removed': { end: (name) => change(({ authentication }) => delete authentication.issuers[name]) },
  'its group has the role no more': {
    end: (name) => change(({ callers }) => (callers.roles[name] = { groups: ['others'] })),
  },
};

/** An issuer and a server for each way, behind one gateway. */
const nameOf = (way: string): string => way.replaceAll(' ', '-');
const worlds = new Map<string, { readonly issuer: Issuer; readonly server: PushingServer }>();
let gateway: Gateway;

before(async () => {
  for (const way of Object.keys(ways))
    worlds.set(nameOf(way), { issuer: await startIssuer(), server: await new PushingServer().listen() });
  const each = (settings: (name: string, issuer: string, url: string) => object): object =>
    Object.fromEntries(
      [...worlds].map(([name, { issuer, server }]) => [name, settings(name, issuer.issuer, server.url)]),
    );
  gateway = await startGateway({
    authentication: { issuers: each((name, issuer) => ({ issuer, skew: '0s', prefix: `${name}/` })) },
    callers: { roles: each((name) => ({ groups: [`readers-${name}`] })) },
    servers: each((_name, _issuer, url) => ({ url })),
    connections: [...worlds.keys()].map((name) => ({
      name,
      from: { role: name },
      to: name,
      tools: [{ allow: '*' }],
      resources: [{ allow: '*' }],
    })),
  });
});
after(async () => {
  await gateway.stop();
  for (const { issuer, server } of worlds.values()) {
    await issuer[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  }
});

for (const [name, { claims, end }] of Object.entries(ways))
  test(`A6, D5: nothing reaches a caller after ${name}`, async () => {
    const caller = nameOf(name);
    const { server, issuer } = worlds.get(caller) ?? assert.fail(caller);
    const aud = [gateway.endpoint(caller), `${gateway.mcp}/mcp`];
    const key = await issuer.sign({ aud, sub: 'dana', groups: [`readers-${caller}`], ...claims?.() });
    await nothingReaches({ server, gateway, name: caller, key }, () => end(caller), false);
  });
