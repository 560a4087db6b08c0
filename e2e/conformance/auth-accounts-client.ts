/**
 * The client that the suite starts for its authorization scenarios, with the URL of its server as last argument: a
 * gateway whose users have accounts there. What this file plays is everybody else: the client that calls a tool, the
 * user in the browser, and the operator who opens the ports of this machine and agrees to another authorization server.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modernCallWith, pageIn, sendRaw } from '../attacks/raw.ts';
import { Browser } from '../browser.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { freePort, runToEnd } from '../process.ts';

const program = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
/** Under this name the suite expects the document of a client that it cannot fetch. */
const publicUrl = 'https://conformance-test.local';
const maxRounds = 12;

interface Context {
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly issuer?: string;
}

const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Context;
const url = process.argv.at(-1) ?? '';

function credential(): object {
  const { issuer, client_id: clientId, client_secret: clientSecret } = context;
  return clientId === undefined || issuer === undefined
    ? { authorizationCode: {} }
    : { authorizationCode: { issuer, clientId, ...(clientSecret && { clientSecret: '${env:CLIENT_SECRET}' }) } };
}

async function start(): Promise<Gateway & { readonly local: string }> {
  const port = await freePort();
  const hosted = scenario === 'auth/basic-cimd';
  const started = await startGateway(
    {
      listen: { mcp: { port, ...(hosted ? { publicUrl } : {}) }, admin: { port: 0 } },
      callers: { users: { dana: {} } },
      egress: { allow: [] },
      servers: { suite: { url, credential: credential() } },
      connections: [{ name: 'all', from: { user: 'dana' }, to: 'suite', tools: [{ allow: '*' }] }],
    },
    { env: context.client_secret === undefined ? {} : { CLIENT_SECRET: context.client_secret } },
  );
  return { ...started, local: `http://127.0.0.1:${port}` };
}

async function command(gateway: Gateway, ...args: readonly string[]): Promise<string> {
  const run = await runToEnd({ command: [process.execPath, program, ...args, '--config', gateway.config] });
  if (run.code !== 0) throw new Error(`${args.join(' ')} ended with ${run.code}: ${run.stderr}`);
  return run.stdout.trim();
}

/** The operator reads the log, and opens what the gateway did not want to connect to. True when there was something. */
async function openWhatWasRefused(gateway: Gateway, opened: Set<string>): Promise<boolean> {
  const refused = [...gateway.errors().matchAll(/(http:\/\/localhost:\d+) is not https/g)].map(
    ([, origin = '']) => origin,
  );
  const fresh = refused.filter((origin) => !opened.has(origin));
  if (fresh.length === 0) return false;
  for (const origin of fresh) opened.add(origin);
  const settings = JSON.parse(await readFile(gateway.config, 'utf8')) as object;
  const before = inForce(gateway);
  await writeFile(gateway.config, JSON.stringify({ ...settings, egress: { allow: [...opened] } }));
  await gateway.until(() => inForce(gateway) > before);
  return true;
}

function inForce(gateway: Gateway): number {
  return gateway.errors().split('configuration in force').length;
}

/** The operator agrees to the authorization server that the server names now. True when one had to be agreed to. */
async function agree(gateway: Gateway): Promise<boolean> {
  const [, issuer] = /"named":"([^"]+)"/.exec(gateway.errors()) ?? [];
  if (issuer === undefined) return false;
  await command(gateway, 'server', 'trust', 'suite', '--issuer', issuer);
  await gateway.until(() => gateway.errors().includes('an operator agreed'));
  return true;
}

async function use(gateway: Gateway & { readonly local: string }): Promise<boolean> {
  const key = await command(gateway, 'key', 'create', '--user', 'dana', '--quiet');
  const browser = new Browser({ [publicUrl]: gateway.local });
  const opened = new Set<string>();
  let agreed = false;
  let answered = 0;
  for (let round = 0; round < maxRounds; round++) {
    const answer = await sendRaw(modernCallWith({ url: `${gateway.local}/servers/suite/mcp`, key, tool: 'test-tool' }));
    process.stderr.write(`call: ${answer.status} ${answer.body.slice(0, 300)}\n`);
    const page = pageIn(answer);
    if (page !== undefined) {
      const shown = await browser.connect(page, key);
      process.stderr.write(
        `page: ${shown.status} ${shown.body.replaceAll(/<style>.*?<\/style>|<[^>]+>|\s+/gs, ' ')}\n`,
      );
      if (/is connected/.test(shown.body)) continue;
      if (await openWhatWasRefused(gateway, opened)) continue;
    } else if (answer.json?.result !== undefined && answer.json.result['isError'] !== true) {
      answered += 1;
      // Twice, as a server may have changed its mind about whose tokens it wants.
      if (answered === 2) return true;
      continue;
    }
    if (agreed || !(await agree(gateway))) return false;
    agreed = true;
  }
  return false;
}

await using gateway = await start();
const used = await use(gateway);
process.stderr.write(gateway.errors());
process.exitCode = used ? 0 : 1;
