/** Good evidence verifies on every Node that the verifier runs on, and what it cannot run on is no damage. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { startWorld, verifierFile, verify } from '../audit/world.ts';
import { runToEnd } from '../process.ts';
import { node16, node18, verifyAfter } from './older-node.ts';

let folder: string;
let log: string;
let proof: string;
let key: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-b2-'));
  await using world = await startWorld();
  for (let call = 0; call < 3; call++) await world.call(world.keys.dana, 'take', { note: `${call}` });
  proof = join(folder, 'proof.json');
  const found = await world.sallyport('audit', 'search', '--kind', 'intent', '--json');
  const { id } = (JSON.parse(found.stdout) as { records: readonly { id: string }[] }).records[0] ?? { id: '' };
  const proved = await world.sallyport('audit', 'prove', id, '--out', proof);
  assert.equal(proved.code, 0, proved.stderr);
  log = join(folder, 'log');
  const copied = await world.copyLog();
  spawnSync('cp', ['-a', copied, log]);
  key = (JSON.parse((await verify(log, '--json')).stdout) as { key: string }).key;
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('B2: a log and a proof verify on Node 18.3, which lacks Map.groupBy, crypto.hash and zlib.crc32', async () => {
  for (const path of [log, proof]) {
    const { code, stdout, stderr } = await verifyAfter(folder, node18, path, '--key', key);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, (await verify(path, '--key', key)).stdout);
  }
});

test('B2: the Node of this machine that is older verifies as well', async (context) => {
  const older = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((each) => join(each, 'node'))
    .filter((each) => existsSync(each) && !/node_modules/.test(each))
    .filter((each) => /^v(?:18|19|2[0-3])\./.test(spawnSync(each, ['--version'], { encoding: 'utf8' }).stdout));
  if (older[0] === undefined) return context.skip('no older Node is installed here');
  for (const path of [log, proof]) {
    const { code, stderr } = await runToEnd({ command: [older[0], verifierFile, path, '--key', key] });
    assert.equal(code, 0, stderr);
  }
});

test('B2: a Node that is too old is named, with an exit code that is not that of a lie', async () => {
  const { code, stderr } = await verifyAfter(folder, node16, log);
  assert.equal(code, 64);
  assert.match(stderr, /needs Node\.js 18\.3 or newer and this is 16\.20\.2: nothing was verified/);
});

test('B2: a fault of the verifier itself is never called damage', async () => {
  for (const broken of ['Buffer.prototype.equals', 'String.prototype.split', 'JSON.stringify']) {
    const script = `${broken} = () => { throw new TypeError('it is not a function'); };`;
    const { code, stderr } = await verifyAfter(folder, script, log);
    assert.equal(code, 70, `${broken}: ${stderr}`);
    assert.match(stderr, /^NOTHING is said about it: this program failed at .*please report it\n$/);
    assert.doesNotMatch(stderr, /damaged|NOT verified/);
  }
});

test('B2: what is of another shape in a proof is a lie, wherever it stands, and no fault of the verifier', async () => {
  const whole = JSON.parse(readFileSync(proof, 'utf8')) as object;
  const variants = [...changed(whole, null), ...changed(whole, { length: 1 })].slice(0, 60);
  for (let at = 0; at < variants.length; at += 4)
    await Promise.all(
      variants.slice(at, at + 4).map(async ({ where, text }, index) => {
        const path = join(folder, `changed-${index}.json`);
        writeFileSync(path, text);
        const { code, stderr } = await verify(path, '--key', key);
        assert.ok(code === 1 || (code === 0 && !/records|keys|format/.test(where)), `${where}: ${code} ${stderr}`);
      }),
    );
});

test('B2: what the system does not let it read is told apart from a lie', async () => {
  const { code, stderr } = await verify(log, '--checkpoint', folder);
  assert.equal(code, 66);
  assert.match(stderr, /^NOT verified: it cannot be read: EISDIR/);
});

/** The JSON with one value after the other replaced. */
function changed(whole: object, by: unknown): { readonly where: string; readonly text: string }[] {
  const variants: { where: string; text: string }[] = [];
  const walk = (node: object, where: string): void => {
    for (const [name, value] of Object.entries(node) as [string, unknown][]) {
      const here = node as Record<string, unknown>;
      here[name] = by;
      variants.push({ where: `${where}/${name}`, text: JSON.stringify(whole) });
      here[name] = value;
      if (typeof value === 'object' && value !== null) walk(value, `${where}/${name}`);
    }
  };
  walk(whole, '');
  return variants;
}
