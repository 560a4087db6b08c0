/** B8: what `explain` and `test` say of a call is what the gateway does with it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';

const server = { url: 'http://127.0.0.1:9/mcp' };
const issuer = {
  issuer: 'https://login.example',
  unknown: 'accept',
  keys: { url: 'https://login.example/keys' },
  claims: { roles: 'realm.roles' },
};
const settings = {
  version: 1,
  authentication: {
    issuers: { corporate: issuer, partner: { ...issuer, issuer: 'https://partner.example', prefix: 'partner-' } },
  },
  callers: {
    agents: { bot: {} },
    users: { dana: {} },
    roles: { finance: { groups: ['fin'] }, admin: {} },
  },
  servers: {
    open: server,
    draining: { ...server, status: 'draining' },
    inactive: { ...server, status: 'inactive' },
    quarantined: { ...server, status: 'quarantined' },
    personal: { ...server, requires: ['user'] },
  },
  connections: [
    {
      name: 'bot',
      from: { agent: 'bot' },
      to: ['open', 'draining', 'inactive', 'quarantined', 'personal'],
      tools: [{ allow: 'x' }],
    },
    { name: 'finance', from: { role: 'finance' }, to: 'open', tools: [{ allow: 'ledger' }] },
    { name: 'admin', from: { role: 'admin' }, to: 'open', tools: [{ allow: 'reset' }] },
    {
      name: 'everyone',
      from: { anyone: true },
      to: 'open',
      tools: [
        { allow: 'post', scopes: ['ledger:write'] },
        { allow: 'branch', when: 'caller.claims.org.branch == "north"' },
      ],
    },
  ],
  tests: ['open', 'draining', 'inactive', 'quarantined', 'personal'].map((name) => ({
    caller: { agent: 'bot' },
    server: name,
    tool: 'x',
    expect: name === 'open' ? 'allow' : 'deny',
  })),
};

async function withFile(work: (config: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-explain-'));
  try {
    const config = join(folder, 'sallyport.yaml');
    await writeFile(config, JSON.stringify({ ...settings, data: join(folder, 'data') }));
    await work(config);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('B8: the status of a server and the callers it requires close a call for explain and test', () =>
  withFile(async (config) => {
    const explain = (name: string, ...caller: readonly string[]) =>
      runCommandHere('explain', '--caller', ...caller, '--server', name, '--tool', 'x', '--config', config);
    assert.equal((await explain('open', 'agent:bot')).code, 0);
    for (const [name, why] of [
      ['draining', /takes no new calls/],
      ['inactive', /is inactive/],
      ['quarantined', /is quarantined/],
      ['personal', /requires user/],
    ] as const) {
      const { code, stdout } = await explain(name, 'agent:bot');
      assert.equal(code, 1, name);
      assert.match(stdout, /^DENY/, name);
      assert.match(stdout, why, name);
    }
    assert.equal((await explain('personal', 'user:dana', 'agent:bot')).code, 0);
    const { code, stdout } = await runCommandHere('test', '--config', config);
    assert.match(stdout, /5 of 5 examples hold/, stdout);
    assert.equal(code, 0);
  }));

test('B8: explain asks for callers that only an identity provider knows', () =>
  withFile(async (config) => {
    const explain = async (tool: string, ...words: readonly string[]) => {
      const who = ['--issuer', 'corporate', ...words];
      return (await runCommandHere('explain', ...who, '--server', 'open', '--tool', tool, '--config', config)).code;
    };
    const eve = ['--claim', 'sub=eve'];
    const cases: readonly (readonly [code: number, tool: string, ...words: readonly string[]])[] = [
      [0, 'ledger', ...eve, '--group', 'fin'],
      [1, 'ledger', ...eve, '--group', 'other'],
      [0, 'ledger', ...eve, 'groups=["x","fin"]'],
      [0, 'reset', ...eve, 'realm.roles=["admin"]'],
      [0, 'post', '--caller', 'user:eve', '--scope', 'ledger:read', 'ledger:write'],
      [1, 'post', ...eve],
      [0, 'branch', ...eve, 'org.branch=north'],
      [1, 'branch', ...eve, 'org.branch=south'],
    ];
    await Promise.all(
      cases.map(async ([code, tool, ...words]) => assert.equal(await explain(tool, ...words), code, words.join(' '))),
    );
    const several = await runCommandHere('explain', ...eve, '--server', 'open', '--tool', 'x', '--config', config);
    assert.match(several.stderr, /several issuers[^]*corporate, partner/);
    const none = await runCommandHere('explain', '--server', 'open', '--tool', 'x', '--config', config);
    assert.match(none.stderr, /no caller is named/);
  }));
