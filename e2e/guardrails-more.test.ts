/** Guardrails on what is not plain text, through a running gateway: words in pictures, `_meta` of calls, reports to clients. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { modernHeaders, sendRaw } from './attacks/raw.ts';
import { sallyportWith } from './faults/commands.ts';
import { openSettings, packageFile, startGateway } from './harness.ts';

const filesystem = packageFile('@modelcontextprotocol', 'server-filesystem', 'dist', 'index.js');

function chunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(content.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

/** A picture of PNG with a comment. */
function pictureWith(comment: string): Buffer {
  const words = chunk('tEXt', Buffer.from(`Comment\0${comment}`));
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', Buffer.alloc(13)), words, chunk('IEND', Buffer.alloc(0))]);
}

test('a picture loses the words in which something is found, _meta of a call is looked at, and the client is told', {
  timeout: 60_000,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-pictures-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const address = 'dana.smith@corp-mail.io';
  const path = join(folder, 'photo.png');
  await writeFile(path, pictureWith(`by ${address}`));
  const guardrails = { pii: { action: 'redact', classes: ['email'] }, report: true };
  const settings = openSettings('a', { files: { command: [process.execPath, filesystem, folder], guardrails } });
  await using gateway = await startGateway(settings);
  const message = (note: string): string => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'com.example/note': note,
    };
    const params = { name: 'read_media_file', arguments: { path }, _meta };
    return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  };
  const call = async (note: string): Promise<string> => {
    const body = message(note);
    const headers = modernHeaders('tools/call', 'read_media_file');
    return (await sendRaw({ url: gateway.endpoint('files'), headers, body })).body;
  };
  const plain = pictureWith('').toString('base64');
  const overStdio = async (note: string): Promise<string> => {
    const args = ['stdio', '--config', gateway.config, '--server', 'files'] as const;
    const { stdout, stderr } = await sallyportWith(`${message(note)}\n`, ...args);
    assert.notEqual(stdout, '', stderr);
    return stdout;
  };
  for (const [way, ask] of Object.entries({ HTTP: call, stdio: overStdio }))
    await t.test(way, async () => {
      const answer = await ask('nothing');
      assert.match(answer, /"type":"image"/, answer);
      const data = /"data":"([^"]+)"/.exec(answer)?.[1] ?? '';
      const left = Buffer.from(data, 'base64').toString('latin1');
      assert.ok(left.includes('IHDR') && left.includes('IEND') && !left.includes('tEXt') && !left.includes(address));
      assert.ok(data.length < plain.length);
      assert.match(answer, /"sallyport\/findings":\[\{"found":"pii\/email","action":"redact","count":\d+\}\]/);
      const noted = await ask(`ask ${address}`);
      assert.match(noted, /"found":"pii\/email","action":"redact","count":1,"in":"meta"/);
      assert.ok(!noted.includes(address));
    });
});
