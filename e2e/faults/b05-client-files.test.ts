/** Files of clients: nothing leaks, widens or is lost without a word, and the client can be pointed at the gateway. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { adopt, undo } from '../../gateway/src/cli/clients/adopt.ts';
import { type Imported, importClient } from '../../gateway/src/cli/clients/index.ts';
import { parseText, syntaxOf } from '../../gateway/src/cli/clients/syntax.ts';
import { gatewayEntry, pointAtGateway, snippet } from '../../gateway/src/cli/clients/way-back.ts';
import { importedFile } from '../../gateway/src/cli/init-file.ts';
import { loadConfiguration } from '../../gateway/src/config/load.ts';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { gatewayFile } from '../harness.ts';
import { freePort, runToEnd, startAnnounced } from '../process.ts';
import { clientFiles, secretMark } from './client-files.ts';

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-b05-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

for (const [client, file] of Object.entries(clientFiles))
  test(`B5 (unit): the file of ${client} is read, and nothing leaks, widens or is lost without a word`, async (context) => {
    const home = folderOf(context);
    const path = join(home, file.path);
    const result = await importClient(file.text, path, { env: {}, home });
    assert.ok(result.ok, result.ok ? '' : result.problem);
    const { imported } = result;
    assert.equal(imported.kind, file.kind);
    const config = join(home, 'sallyport.yaml');
    const text = importedFile(imported, home);
    writeFileSync(config, text);
    const loaded = await loadConfiguration(config, {}, { secrets: 'leave' });
    assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.diagnostics));
    const { servers, connections } = loaded.revision.configuration;
    const names = Object.entries(servers).map(([name, { status }]) => (status === 'active' ? name : `${name} (off)`));
    assert.deepEqual(names, file.servers);
    assert.ok(!text.includes(secretMark) && !imported.notes.join().includes(secretMark), text);
    for (const value of imported.secrets.values()) assert.ok(value.startsWith(secretMark), value);
    const found = file.text.match(/s3cret-\w+/g) ?? [];
    const lost = found.filter((each) => ![...imported.secrets.values()].includes(each));
    // What is not taken over with its key is told.
    assert.deepEqual(lost, file.text.includes('s3cret-oauth') ? ['s3cret-oauth'] : [], 'every secret is kept');
    for (const note of file.notes ?? []) assert.match(imported.notes.join('\n'), note);
    const one = connections.find(({ to }) => to.includes('one'));
    if (/"?(?:disabledTools|disabled_tools|excludeTools)"?/.test(file.text))
      assert.deepEqual(one?.tools.at(-1)?.deny, ['remove']);
    if (file.text.includes('includeTools')) assert.match(JSON.stringify(one?.tools[0]?.allow), /^\["read\*?"\]$/);
    await adopts(imported, file.text, path, file.at);
  });

/** Only the servers change: the gateway is there, and what was left out. */
async function adopts(imported: Imported, text: string, path: string, at: readonly string[]): Promise<void> {
  const entry = gatewayEntry(imported.kind, {
    url: 'http://127.0.0.1:8808/mcp',
    key: 'sp_key',
    command: ['node', 'x'],
  });
  const edited = await pointAtGateway(text, imported, entry);
  assert.ok(edited.ok, edited.ok ? '' : edited.problem);
  const parsed = await parseText(edited.text, syntaxOf(path));
  assert.ok(parsed.ok);
  const servers = at.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], parsed.root);
  const names = Array.isArray(servers)
    ? servers.map(({ name }: { name: string }) => name)
    : Object.keys(servers as object);
  assert.deepEqual(names, [...imported.left, 'sallyport']);
  if (text.includes('stays')) assert.match(edited.text, /stays/, 'comments stay');
  assert.match(snippet(imported, entry), /sallyport/);
}

/** A home folder with the file of a client, whose server is a witness; `init` in it. */
async function adopted(context: TestContext, place: string, text: (url: string) => string) {
  const folder = folderOf(context);
  const witness = await startWitness([{ name: 'open' }, { name: 'remove' }]);
  context.after(() => witness[Symbol.asyncDispose]());
  const path = join(folder, place);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text(witness.url));
  const sallyport = (...args: readonly string[]) =>
    runToEnd({ command: [process.execPath, gatewayFile, ...args], cwd: folder });
  const made = await sallyport('init', '--from', path, '--adopt');
  assert.equal(made.code, 0, made.stderr + made.stdout);
  const config = join(folder, 'sallyport.yaml');
  // Ports of the test in place of the usual ones.
  const [mcp, admin] = [await freePort(), await freePort()];
  const written = readFileSync(config, 'utf8');
  writeFileSync(config, written.replace('port: 8808', `port: ${mcp}`).replace('port: 8809', `port: ${admin}`));
  return { folder, witness, path, sallyport, config, written, mcp, out: made.stdout };
}

test('B5: init --from --adopt leaves a client whose calls go through the gateway, and --undo puts it back', async (context) => {
  const before = (url: string): string => `{
  // of an editor
  "mcpServers": {
    "notes": { "url": "${url}?token=s3cret-query", "headers": { "X_API_KEY": "s3cret-head" }, "disabledTools": ["remove"] }
  }
}
`;
  const { folder, witness, path, sallyport, config, written, mcp, out } = await adopted(
    context,
    '.cursor/mcp.json',
    before,
  );
  assert.ok(!written.includes('s3cret') && !out.includes('s3cret'));
  const client = readFileSync(path, 'utf8');
  assert.ok(!client.includes('s3cret') && client.includes('// of an editor'), client);
  const { headers } = (
    JSON.parse(client.replace(/^\s*\/\/.*$/m, '')) as { mcpServers: { sallyport: { headers: Record<string, string> } } }
  ).mcpServers.sallyport;
  await using gateway = await startAnnounced(
    { command: [process.execPath, gatewayFile, 'serve', '--config', config, '--json'] },
    (line) => (line as { mcp?: string }).mcp,
  );
  assert.match(gateway.said, new RegExp(`:${mcp}$`));
  const call = (tool: string) =>
    sendRaw({
      url: `${gateway.said}/mcp`,
      headers: [...modernHeaders('tools/call', tool), ['Authorization', headers['Authorization'] ?? '']],
      body: modernCall(tool),
    });
  assert.equal((await call('notes__open')).status, 200);
  const sent = witness.calls().at(-1);
  assert.equal(sent?.headers['x_api_key'], 's3cret-head');
  assert.match((await call('notes__remove')).body, /error/);
  assert.equal(witness.calls().length, 1, 'what was off stays off');
  assert.equal(statSync(`${path}.before-sallyport`).mode & 0o077, 0);
  const undone = await sallyport('init', '--from', path, '--undo');
  assert.equal(undone.code, 0, undone.stderr);
  assert.equal(readFileSync(path, 'utf8'), before(witness.url));
  assert.ok(folder.length > 0);
});

test('B5: a client that only starts commands is adopted with a command that works', async (context) => {
  const { path, config, witness } = await adopted(context, 'Claude/claude_desktop_config.json', (url) =>
    JSON.stringify({
      mcpServers: { notes: { command: 'npx', args: ['x', '--token', 's3cret-arg'], disabled: true }, web: { url } },
    }),
  );
  assert.match(readFileSync(config, 'utf8'), /"inactive"/);
  const { command, args, env } = (
    JSON.parse(readFileSync(path, 'utf8')) as {
      mcpServers: { sallyport: { command: string; args: string[]; env: Record<string, string> } };
    }
  ).mcpServers.sallyport;
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (message: object): Promise<string> => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    return String((await lines.next()).value);
  };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
  assert.match(await ask({ id: 1, method: 'initialize', params }), /serverInfo/);
  assert.match(await ask({ id: 2, method: 'tools/call', params: { name: 'web__open', arguments: {} } }), /"result"/);
  assert.ok(witness.calls().length > 0);
  child.stdin.end();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('B5: a file that check refuses is said so, and the client is not touched', async (context) => {
  const folder = folderOf(context);
  const path = join(folder, 'mcp.json');
  const text = JSON.stringify({ mcpServers: { files: { command: 'files', args: [folder] } } });
  writeFileSync(path, text);
  const made = await runToEnd({
    command: [process.execPath, gatewayFile, 'init', '--from', path, '--adopt'],
    cwd: folder,
  });
  assert.equal(made.code, 1);
  assert.match(made.stderr, /is written, and cannot be used as it is:\n.*CFG044/);
  assert.equal(readFileSync(path, 'utf8'), text);
});

test('B4: check finds secrets in headers, env, words of a command and URLs', async (context) => {
  const folder = folderOf(context);
  const literal = (server: object): Promise<string> => {
    writeFileSync(join(folder, 'sallyport.yaml'), JSON.stringify({ version: 1, servers: { s: server } }));
    return runToEnd({ command: [process.execPath, gatewayFile, 'check', '--json', '--no-secrets'], cwd: folder }).then(
      ({ stdout }) => {
        const { results } = JSON.parse(stdout) as {
          results: readonly { diagnostics?: readonly { code: string; problem: string }[] }[];
        };
        const diagnostics = results.flatMap((each) => each.diagnostics ?? []);
        return diagnostics.map(({ code, problem }) => `${code} ${problem}`).join('\n');
      },
    );
  };
  const token = `ghp_${'a1'.repeat(20)}`;
  const words = [
    '--api-key=abc',
    '--header=X-Api-Key: abc',
    '-H',
    'Authorization: Bearer abc',
    '--token',
    'abc',
    token,
  ];
  const found = await literal({
    command: [
      'run',
      ...words,
      'postgres://u:pw@h/d',
      'https://h.example/?apiKey=abc',
      '--token-file',
      'x',
      'plain',
      'KEY=v',
    ],
    env: { A_TOKEN: 'abc', B: token },
  });
  assert.equal(found.match(/CFG031/g)?.length, 9, found);
  assert.ok(!found.includes('abc') && !found.includes(token), found);
  const url = await literal({
    url: 'https://h.example/mcp?apiKey=abc&page=2',
    headers: { CONTEXT7_API_KEY: 'abc', 'X-Plain': token },
  });
  assert.equal(url.match(/CFG031/g)?.length, 3, url);
  // The same with references is good, and so are names that only look alike.
  assert.equal(
    await literal({
      url: 'https://h.example/mcp?apiKey=${secret:k}&monkey=1',
      headers: { CONTEXT7_API_KEY: '${secret:k}' },
    }),
    '',
  );
});

test('B5 (unit): no text of a client becomes a reference that the client does not have', async (context) => {
  const home = folderOf(context);
  // The first two are put together by the import itself; the third is no placeholder of any client.
  const texts = [
    `\${X:-$}{file:/etc/passwd}`,
    `$\${X:-}{secret:other}`,
    `\${file:/{/../etc/passwd}`,
    `\${env:A}\${vault:{x}`,
  ];
  for (const text of texts) {
    const servers = {
      header: { url: 'https://example.com/mcp', headers: { 'x-a': text } },
      url: { url: `https://example.com/mcp?q=${text}` },
      command: { command: 'program', args: [text] },
      env: { command: 'program', env: { A: text } },
      passed: { command: 'program', env_vars: [text.slice(2, -1)] },
    };
    const path = join(home, 'mcp.json');
    const result = await importClient(JSON.stringify({ mcpServers: servers }), path, { env: {}, home });
    assert.ok(result.ok);
    const written = importedFile(result.imported, home);
    assert.doesNotMatch(written, /\$\{(?!env:)/, text);
  }
});

test('B5 (unit): a URL with a malformed escape is taken over', async (context) => {
  const home = folderOf(context);
  const text = JSON.stringify({ mcpServers: { one: { url: 'https://example.com/mcp?token=%E0%A4' } } });
  const result = await importClient(text, join(home, 'mcp.json'), { env: {}, home });
  assert.ok(result.ok);
  assert.deepEqual([...result.imported.secrets.values()], ['%E0%A4']);
});

test('B5 (unit): undoing leaves a link a link, and the file behind it as it was', (context) => {
  const folder = folderOf(context);
  const target = join(folder, 'dotfiles.json');
  const path = join(folder, 'mcp.json');
  writeFileSync(target, '{"mcpServers":{}}', { mode: 0o644 });
  symlinkSync(target, path);
  assert.ok(adopt(path, '{"mcpServers":{}}', '{"mcpServers":{"sallyport":{}}}').ok);
  assert.equal(statSync(`${path}.before-sallyport`).mode & 0o777, 0o600);
  const undone = undo(path);
  assert.ok(undone.ok);
  assert.ok(lstatSync(path).isSymbolicLink());
  assert.equal(readFileSync(target, 'utf8'), '{"mcpServers":{}}');
  assert.equal(statSync(target).mode & 0o777, 0o600);
  assert.match(readFileSync(undone.path, 'utf8'), /sallyport/);
  assert.equal(statSync(undone.path).mode & 0o777, 0o600);
  assert.ok(!undo(path).ok, 'there is nothing more to undo');
});
