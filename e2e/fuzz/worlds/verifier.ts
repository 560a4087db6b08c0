/** The verifier on a small log, and on a proof, that were changed: always an answer, and never yes to a changed record. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyPlaces } from '../../../gateway/src/stages/record/open.ts';
import { Archive } from '../../../gateway/src/stages/record/read/archive.ts';
import { prove } from '../../../gateway/src/stages/record/read/prove.ts';
import { callOf, closeTestLog, master, openTestLog, temporaryData } from '../../../gateway/test/support/audit-log.ts';
import { verifierFile } from '../../audit/world.ts';
import { runToEnd } from '../../process.ts';
import { mutateBytes, mutateValue } from '../mutate.ts';
import { seeded } from '../random.ts';
import type { Target } from '../target.ts';

const hangMs = 30_000;
const answers: ReadonlySet<number | null> = new Set([0, 1, 66]);

/** A log, its proof of a record, and every file that the verifier reads. */
async function makeLog() {
  const data = temporaryData();
  const log = await openTestLog(data);
  for (let call = 0; call < 40; call++) log.writer.accept(callOf(`call-${call}`, 'dana'));
  log.writer.drain();
  log.writer.publish();
  const archive = await Archive.open(log.folder, keyPlaces(data, 'log'), master);
  const checkpoint = archive.reader.checkpoint();
  if (checkpoint === undefined) throw new Error('no checkpoint');
  const proof = prove({ archive, checkpoint, seqs: [5, 17], keySeqs: [0], disclose: ['arguments'] });
  await closeTestLog(log);
  const files = readdirSync(log.folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(log.folder, name))
    .filter((path) => statSync(path).isFile() && statSync(path).size > 0)
    .toSorted();
  return { folder: log.folder, proofFile: join(data, 'proof.json'), proof, files };
}

/** Inputs are `<what> <seed>`: `flip` one bit of a record, `log` and `proof` change anything. */
export const verifier: Target = {
  name: 'verifier',
  weight: 1,
  batch: 5,
  make: (random) => Buffer.from(`${random.pick(['flip', 'flip', 'log', 'proof', 'entry'])} ${random.below(2 ** 31)}`),
  async open() {
    const { folder, proofFile, proof, files } = await makeLog();
    const records = files.filter((path) => /\/(?:segments|tile)\//.test(path));
    const run = async (path: string, changed: boolean, what: string): Promise<string | undefined> => {
      const { code, stderr } = await runToEnd({ command: [process.execPath, verifierFile, path], within: hangMs });
      if (code === null) return `${what}: the verifier hangs`;
      if (!answers.has(code)) return `${what}: the verifier ends with ${code}: ${stderr.slice(0, 1_000)}`;
      return changed && code === 0 ? `${what}: a change was not found` : undefined;
    };
    const inLog = async (what: string, seed: number): Promise<string | undefined> => {
      const random = seeded(seed);
      const path = random.pick(what === 'flip' ? records : files);
      const whole = readFileSync(path);
      // Behind the records a segment may be filled with zeros, which say nothing.
      const used = whole.subarray(0, whole.findLastIndex((byte) => byte !== 0) + 1);
      const at = random.below(used.length);
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(path, what === 'flip' ? flipped : mutateBytes(whole, random));
      try {
        return await run(folder, what === 'flip', `${what} ${seed} in ${path.slice(folder.length)} at ${at}`);
      } finally {
        writeFileSync(path, whole);
      }
    };
    const inProof = async (what: string, seed: number): Promise<string | undefined> => {
      const random = seeded(seed);
      const text = JSON.stringify(random.chance(0.5) ? mutateValue(proof, random) : proof);
      if (what === 'proof') writeFileSync(proofFile, mutateBytes(Buffer.from(text), random));
      else {
        const [first, ...others] = proof.records;
        const bytes = Buffer.from(first?.entry ?? '');
        const at = random.below(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(7));
        writeFileSync(
          proofFile,
          JSON.stringify({ ...proof, records: [{ ...first, entry: bytes.toString() }, ...others] }),
        );
      }
      return run(proofFile, what === 'entry', `${what} ${seed}`);
    };
    const whole = await run(folder, false, 'the log as it was written');
    if (whole !== undefined) throw new Error(whole);
    return {
      async attempt(inputs) {
        for (const input of inputs) {
          const [what = '', seed] = input.toString().split(' ');
          const one = what === 'proof' || what === 'entry' ? inProof : inLog;
          const problem = await one(what, Number(seed));
          if (problem !== undefined) return problem;
        }
        return undefined;
      },
      async [Symbol.asyncDispose]() {},
    };
  },
};
