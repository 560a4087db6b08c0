/** How fast a log is checked, opened and searched. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { signerOf } from '../../gateway/src/stages/record/keys/signing-key.ts';
import { realDisk } from '../../gateway/src/stages/record/log/disk.ts';
import { LogFiles } from '../../gateway/src/stages/record/log/log-files.ts';
import { keyPlaces } from '../../gateway/src/stages/record/open.ts';
import { Archive } from '../../gateway/src/stages/record/read/archive.ts';
import { canonical } from '../../gateway/src/stages/record/record/canonical.ts';
import { nothingDropped } from '../../gateway/src/stages/record/retention/dropped.ts';
import { IndexFile } from '../../gateway/src/stages/record/search-index/index-file.ts';
import { openWriter } from '../../gateway/src/stages/record/writer/open.ts';
import type { OpenState } from '../../gateway/src/stages/record/writer/replay.ts';
import { rounded } from '../table.ts';
import { master } from './log.ts';
import { type AuditRow, ms, quantiles, row } from './row.ts';

export function verification(folder: string): AuditRow[] {
  const program = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport-verify.js');
  const begin = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, folder, '--json'], { encoding: 'utf8' });
  const seconds = (performance.now() - begin) / 1_000;
  if (status !== 0) throw new Error(`the log of the bench does not verify: ${stdout}${stderr}`);
  const { size } = JSON.parse(stdout) as { size: number };
  return [row('records verified a second, start included', rounded(size / seconds), '≥ 150,000')];
}

/** A log too large to be made call by call: its records have no private part. */
export async function reading(data: string, size: number): Promise<AuditRow[]> {
  const folder = join(data, 'log');
  const first = await openWriter({ folder, keys: keyPlaces(data, 'log'), master });
  if (!first.ok) throw new Error(first.problem);
  const { origin, writer } = first.value;
  writer.drain();
  const { signer } = writer;
  const state = (written: number): OpenState => ({
    intents: [],
    written,
    kind: 'stop',
    served: written,
    keys: [{ seq: 0, event: 'created', key: signer.verifierKey }],
    retention: { said: nothingDropped, done: nothingDropped },
  });
  await writer.close();
  first.value.release();
  const before = new LogFiles({ folder, disk: realDisk, origin, onReplay: () => {} });
  for (let seq = before.size; seq < size; ) {
    const records = Array.from({ length: Math.min(4_096, size - seq) }, (_, index) => synthetic(seq + index));
    before.append(records);
    seq += records.length;
    if (seq % 65_536 < 4_096) {
      before.publish(signer, Date.now());
      before.settle(() => state(seq));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  before.publish(signerOf(origin, signer.privateKey), Date.now());
  await before.close(() => state(size));

  const begin = performance.now();
  const again = await openWriter({ folder, keys: keyPlaces(data, 'log'), master });
  const opening = performance.now() - begin;
  if (!again.ok) throw new Error(again.problem);
  await again.value.writer.close();
  again.value.release();

  const archive = await Archive.open(folder, keyPlaces(data, 'log'), master);
  const index = IndexFile.open(join(data, 'index.db'), archive);
  const indexed = performance.now();
  while (index.catchUp(archive));
  const indexing = (performance.now() - indexed) / 1_000;
  const times: number[] = [];
  for (let round = 0; round < 50; round++)
    for (const words of [
      { server: `server-${round}` },
      { capability: `tool-${round}` },
      { effect: 'deny', server: 'server-1' },
      { outcome: 'refused' },
      { subject: `${round}` },
    ]) {
      const start = performance.now();
      index.search({ words, limit: 50, before: size - round * 1_000 });
      times.push(performance.now() - start);
    }
  index.close();
  const found = quantiles(times);
  const name = size.toLocaleString('en');
  return [
    row(`opening a log of ${name} records`, `${rounded(opening)} ms`, '≤ 2,000 ms'),
    row(`search by an indexed field over ${name}, p50 / p99`, `${ms(found.p50)} / ${ms(found.p99)}`, '≤ 50 ms'),
    row('records indexed a second', rounded(size / indexing), ''),
    row(
      'memory of the process after that',
      `${rounded(process.memoryUsage.rss() / 1024 ** 2)} MiB`,
      'no growth with the log',
    ),
  ];
}

function synthetic(seq: number) {
  const fields = {
    v: 1,
    seq,
    written: seq,
    time: seq,
    kind: 'exchange',
    id: `call-${seq}`,
    subject: String(seq % 5_000),
    method: 'tools/call',
    server: `server-${seq % 97}`,
    capability: { type: 'tool', name: `tool-${seq % 1_009}` },
    decision: { effect: seq % 10 === 0 ? 'deny' : 'allow', reason: 'rule', place: `sallyport.yaml:${seq % 211}:9` },
    outcome: seq % 10 === 0 ? 'refused' : 'answered',
  };
  return { entry: Buffer.from(canonical(fields)), sealed: Buffer.alloc(0) };
}
