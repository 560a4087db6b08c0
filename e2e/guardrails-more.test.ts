/** Guardrails on what is not plain text, through a running gateway: words in pictures, `_meta` of calls, reports to clients. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { modernHeaders, sendRaw } from './attacks/raw.ts';
import { sallyportWith } from './faults/commands.ts';
import { type Gateway, openSettings, packageFile, startGateway } from './harness.ts';

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

/** A server of files for each test, with its guardrails, all behind one gateway. */
const guardrailsOf = {
  pictures: { pii: { action: 'redact', classes: ['email'] }, report: true },
  uris: { request: { pii: 'block' }, response: { pii: 'redact' } },
};
let folder: string;
let gateway: Gateway;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-guardrails-'));
  const servers = Object.entries(guardrailsOf).map(([name, guardrails]) => [
    name,
    { command: [process.execPath, filesystem, folder], guardrails },
  ]);
  gateway = await startGateway(openSettings('a', Object.fromEntries(servers)));
});
after(async () => {
  await gateway.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a picture loses the words in which something is found, _meta of a call is looked at, and the client is told', async (t) => {
  const address = 'dana.smith@corp-mail.io';
  const path = join(folder, 'photo.png');
  await writeFile(path, pictureWith(`by ${address}`));
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
    return (await sendRaw({ url: gateway.endpoint('pictures'), headers, body })).body;
  };
  const plain = pictureWith('').toString('base64');
  const overStdio = async (note: string): Promise<string> => {
    const args = ['stdio', '--config', gateway.config, '--server', 'pictures'] as const;
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

const address = 'dana.smith@corp-mail.io';
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const wide = Buffer.from(address, 'utf16le');
const inPicture = pictureWith(`by ${address}`).toString('base64');
/** The payload of a URI: nothing of it must be left. */
const uris: Readonly<Record<string, string>> = {
  'base64 that is too short to be told from words': `data:;base64,${base64('d@e-f.io')}`,
  'base64 with parameters and capitals': `DATA:Text/Plain;Charset=UTF-8;Base64,${base64(`ask ${address}`)}`,
  'base64 in lines': `data:text/plain;base64,${base64(address).replace(/.{6}/g, '$&\n')}`,
  'base64 with blanks and escapes': `data:text/plain;base64,${base64(`${address}?>`).replace(/.{5}/g, '$&%0A').replace(/=/g, '%3D')}`,
  'UTF-16': `data:text/plain;charset=utf-16le;base64,${base64(wide)}`,
  'UTF-16 in percent escapes': `data:text/plain;charset=utf-16le,${wide.toString('hex').replace(/../g, '%$&')}`,
  'a page in percent escapes': `data:text/html,%3Cb%3E${encodeURIComponent(address)}%3C%2Fb%3E`,
  'a URI in a URI': `data:text/html;base64,${base64(`<a href="data:,${encodeURIComponent(address)}">`)}`,
  'a picture': `data:image/png;base64,${inPicture}`,
};

test('data: URIs are looked into, in what servers and clients send, and lose all that they hold', async (t) => {
  const path = join(folder, 'notes.md');
  const call = async (name: string, args: Readonly<Record<string, string>>): Promise<string> => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: args, _meta },
    });
    return (await sendRaw({ url: gateway.endpoint('uris'), headers: modernHeaders('tools/call', name), body })).body;
  };
  for (const [kind, uri] of Object.entries(uris))
    await t.test(kind, async () => {
      await writeFile(path, `![x](${uri}) and the words after it`);
      const answer = await call('read_text_file', { path });
      assert.match(answer, /data:[^,]*,\[redacted: pii\/email\]\) and the words after it/i, answer);
      const refused = await call('write_file', { path, content: `see ${uri}` });
      assert.match(refused, /content-blocked|guardrail/, refused);
      assert.ok(!(await call('read_text_file', { path })).includes('see '), 'nothing was written');
    });
  await t.test('one without anything is left as it is', async () => {
    await writeFile(path, `data:text/plain;base64,${base64('nothing to see')} and more words`);
    assert.match(
      await call('read_text_file', { path }),
      new RegExp(`base64,${base64('nothing to see')} and more words`),
    );
  });
});
