/** Words in pictures: read from every place where a format has room for them, and gone from what is left. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { cpuMs } from '../../../../test/support/cpu.ts';
import { result, roadOf } from '../../../../test/support/road.ts';
import { imageTexts } from './images.ts';

const pixels = randomBytes(5_000);

function chunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(content.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

function png(...words: readonly Buffer[]): string {
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const head = chunk('IHDR', Buffer.alloc(13));
  const parts = [signature, head, ...words, chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat(parts).toString('base64');
}

function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

function jpeg(...words: readonly Buffer[]): string {
  const start = Buffer.from([0xff, 0xd8]);
  const scan = Buffer.concat([segment(0xda, Buffer.alloc(8)), pixels]);
  return Buffer.concat([
    start,
    segment(0xe0, Buffer.alloc(14)),
    ...words,
    segment(0xdb, Buffer.alloc(65)),
    scan,
  ]).toString('base64');
}

function webp(...words: readonly (readonly [string, Buffer])[]): string {
  const pieces = [['VP8 ', pixels] as const, ...words].map(([name, content]) => {
    const head = Buffer.alloc(8);
    head.write(name, 'latin1');
    head.writeUInt32LE(content.length, 4);
    return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
  });
  const body = Buffer.concat([Buffer.from('WEBP'), ...pieces]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length, 0);
  return Buffer.concat([Buffer.from('RIFF'), size, body]).toString('base64');
}

/** With a table of four colours, a picture of three blocks, and extensions between head and picture. */
function gif(...extensions: readonly Buffer[]): string {
  const head = Buffer.from([...Buffer.from('GIF89a'), 1, 0, 1, 0, 0x81, 0, 0, ...Buffer.alloc(12)]);
  const control = Buffer.from([0x21, 0xf9, 4, 0, 0, 0, 0, 0]);
  const blocks = [200, 255, 7].flatMap((size) => [size, ...pixels.subarray(0, size)]);
  const image = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, ...blocks, 0]);
  return Buffer.concat([head, ...extensions, control, image, Buffer.from([0x3b])]).toString('base64');
}

function extension(label: number, ...blocks: readonly Buffer[]): Buffer {
  const sized = blocks.flatMap((block) => [Buffer.from([block.length]), block]);
  return Buffer.concat([Buffer.from([0x21, label]), ...sized, Buffer.from([0])]);
}

const words = 'write to dana@corp-mail.io';
const nul = '\0';
const pictures: Readonly<Record<string, readonly [picture: string, plain: string]>> = {
  'tEXt of PNG': [png(chunk('tEXt', Buffer.from(`Comment${nul}${words}`))), png()],
  'zTXt of PNG': [png(chunk('zTXt', Buffer.concat([Buffer.from(`Comment${nul}${nul}`), deflateSync(words)]))), png()],
  'iTXt of PNG': [png(chunk('iTXt', Buffer.from(`XML${nul}${nul}${nul}en${nul}${nul}${words}`))), png()],
  'packed iTXt of PNG': [
    png(chunk('iTXt', Buffer.concat([Buffer.from(`XML${nul}\u0001${nul}en${nul}${nul}`), deflateSync(words)]))),
    png(),
  ],
  'eXIf of PNG': [png(chunk('eXIf', Buffer.from(`MM${nul}*${words}${nul}`))), png()],
  'a comment of JPEG': [jpeg(segment(0xfe, Buffer.from(words))), jpeg()],
  'EXIF of JPEG': [jpeg(segment(0xe1, Buffer.from(`Exif${nul}${nul}MM${nul}*${words}${nul}`))), jpeg()],
  'EXIF of JPEG in two bytes a letter': [jpeg(segment(0xe1, Buffer.from(words, 'utf16le'))), jpeg()],
  'a comment of GIF': [gif(extension(0xfe, Buffer.from(words))), gif()],
  'a comment of GIF in two blocks': [
    gif(extension(0xfe, Buffer.from(words.slice(0, 14)), Buffer.from(words.slice(14)))),
    gif(),
  ],
  'XMP of GIF': [gif(extension(0xff, Buffer.from('XMP DataXMP'), Buffer.from(`<x>${words}</x>`))), gif()],
  'XMP of WebP': [webp(['XMP ', Buffer.from(`<x>${words}</x>`)]), webp()],
};

for (const [name, [picture, plain]] of Object.entries(pictures))
  test(`words in ${name} are read, and the picture is left without them`, () => {
    const read = imageTexts(picture);
    assert.ok(
      read?.texts.some((text) => text.includes(words)),
      read?.texts.join(),
    );
    assert.equal(read?.isPartial, false);
    assert.equal(read?.stripped(), plain);
    assert.deepEqual(imageTexts(plain)?.texts, []);
  });

test('what cannot be unpacked within the bounds is said, and damaged pictures end the walk', () => {
  const bomb = png(chunk('zTXt', Buffer.concat([Buffer.from(`a${nul}${nul}`), deflateSync(Buffer.alloc(4_000_000))])));
  assert.equal(imageTexts(bomb)?.isPartial, true);
  assert.equal(imageTexts(png(chunk('tEXt', Buffer.alloc(400_000, 'x'))))?.isPartial, true);
  for (const value of ['iVBORw0KGgo=', png().slice(0, 60), jpeg().slice(0, 30), 'UklGRgAA'])
    assert.deepEqual(imageTexts(value)?.texts, [], value);
  assert.equal(imageTexts(Buffer.from('plain text that is long enough').toString('base64')), undefined);
  for (let at = 0; at < 200; at++)
    for (const begins of ['iVBORw0KGgo', '/9j/', 'UklGR']) imageTexts(begins + randomBytes(300).toString('base64'));
});

test('guardrails look at the words of pictures in results: they are found, recorded, and taken out', async () => {
  const connection = (guardrails: string): string =>
    `- { name: c, from: { agent: a }, to: s, guardrails: ${guardrails}, tools: [{ allow: "*" }] }`;
  const [picture, plain] = pictures['tEXt of PNG'] ?? ['', ''];
  const answer = { content: [{ type: 'image', mimeType: 'image/png', data: picture }] };
  const call = async (guardrails: string, content: object = answer) => {
    const road = await roadOf(connection(guardrails), { server: { answer: () => result(content as typeof answer) } });
    const { reply } = await road.send({ params: { name: 'echo', arguments: { text: 'hi' } } });
    return { road, shown: JSON.stringify(reply) };
  };
  const redacted = await call('{ pii: redact }');
  assert.ok(redacted.shown.includes(plain));
  assert.match(JSON.stringify(redacted.road.records), /redact email ×1/);
  const blocked = await call('{ pii: block }');
  assert.ok(!blocked.shown.includes(picture) && !blocked.shown.includes(plain));
  const bomb = png(chunk('zTXt', Buffer.concat([Buffer.from(`a${nul}${nul}`), deflateSync(Buffer.alloc(4_000_000))])));
  const unread = await call('{ pii: redact }', { content: [{ type: 'image', mimeType: 'image/png', data: bomb }] });
  assert.ok(!unread.shown.includes(bomb), 'withheld');
  assert.match(JSON.stringify(unread.road.records), /not scanned: image/);
});

test('a GIF of nothing but the smallest blocks is walked in bounded time, and damage ends the walk', () => {
  const head = Buffer.from(gif(), 'base64').subarray(0, 25);
  const image = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2]);
  const tiny = Buffer.concat([head, image, Buffer.alloc(4_000_000, 1)]).toString('base64');
  const began = cpuMs();
  assert.deepEqual(imageTexts(tiny)?.texts, []);
  assert.ok(cpuMs() - began < 2_000);
  const comment = Buffer.concat([head, Buffer.from([0x21, 0xfe]), Buffer.alloc(4_000_000, 1)]).toString('base64');
  assert.equal(imageTexts(comment)?.isPartial, true);
  for (let length = 6; length < 60; length++)
    assert.ok(imageTexts(Buffer.from(gif(), 'base64').subarray(0, length).toString('base64')) !== undefined);
});
