/** Words that people type because others have them lead to what there is; plain HTTP beyond this machine needs a day. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gatewayFile } from '../harness.ts';
import { runToEnd } from '../process.ts';

async function checked(context: TestContext, ...settings: readonly object[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-b20-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [index, each] of settings.entries())
    writeFileSync(join(folder, `${index}.yaml`), JSON.stringify({ version: 1, ...each }));
  const files = settings.map((_, index) => `${index}.yaml`);
  const { stdout, stderr } = await runToEnd({
    command: [process.execPath, gatewayFile, 'check', '--no-secrets', ...files],
    cwd: folder,
  });
  return stdout + stderr;
}

test('B20: words from elsewhere get a hint to what there is', async (context) => {
  const words: Readonly<Record<string, RegExp>> = {
    rateLimit: /limits: \[\{ rate: 60\/min/,
    redact: /guardrails: recommended/,
    approve: /hold: \[tool\]/,
    pin: /which definitions must be approved; tls\.pins/,
    enabled: /status: active or status: inactive/,
    disabled: /status: inactive/,
    healthCheck: /health: \{ every: 1m \}.*\/readyz/,
    alerts: /\/metrics/,
    timeout: /timeouts: \{ firstByte/,
  };
  const settings = Object.keys(words).map((word) => ({ servers: { s: { command: ['run'], [word]: true } } }));
  const said = await checked(context, ...settings);
  for (const [index, [word, hint]] of Object.entries(words).entries()) {
    const [, remedy = ''] = new RegExp(`${index}\\.yaml:.*"${word}" is not a key.*\\n(.*)`).exec(said) ?? [];
    assert.match(remedy, hint, said);
  }
});

test('D1: plain HTTP to another machine needs a day, and metrics beyond this machine need networks', async (context) => {
  const server = (more: object): object => ({ servers: { s: { url: 'http://mcp.corp.example/mcp', ...more } } });
  const said = await checked(
    context,
    server({}),
    server({ plainUntil: '2020-01-01' }),
    server({ plainUntil: '2999-01-01' }),
    { servers: { s: { url: 'http://[::1]:1/mcp' }, t: { url: 'http://localhost/mcp' } } },
    { listen: { admin: { host: '0.0.0.0' } } },
    { listen: { admin: { host: '0.0.0.0', allowedNetworks: ['10.0.0.0/8'] } }, console: { enabled: false } },
    { listen: { mcp: { host: '0.0.0.0' } } },
    { listen: { admin: { host: '0.0.0.0', allowedNetworks: ['10.0.0.0/8'] } } },
  );
  const complained = [...said.matchAll(/^(\d)\.yaml:\d+:\d+ {2}(CFG043)/gm)].map(([, index]) => index);
  assert.deepEqual(complained, ['0', '1', '4', '6', '7'], said);
  assert.match(said, /was accepted until 2020-01-01/);
});
