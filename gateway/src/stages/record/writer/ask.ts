/** Has the one writer of a log do something: the running gateway if there is one, else this process for a moment. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readFileSync } from '../../../stores/own-files.ts';
import { writeWhole } from '../../../stores/whole-file.ts';
import { Retention } from '../retention/retention.ts';
import { type Answer, perform, type Request, requestsFolder } from './control.ts';
import { type OpenWriterOptions, openWriter } from './open.ts';

/** Time that a running gateway gets to answer, in milliseconds; to drop what is old takes as long as there is much of it. */
const patience = 15_000;
const patienceToRetain = 3_600_000;

export async function askWriter(options: OpenWriterOptions, request: Request): Promise<Answer> {
  const opened = await openWriter(options);
  if (opened.ok) {
    const { writer, origin, release } = opened.value;
    const { folder, keys, now } = options;
    const retention = new Retention(folder, writer, now);
    try {
      writer.drain();
      return await perform(request, { folder, keys, origin, writer, retain: (ages) => retention.run(ages) });
    } finally {
      await writer.close();
      release();
    }
  }
  if (opened.reason === 'unusable') return { ok: false, problem: opened.problem, remedy: opened.remedy };
  return askRunning(options.folder, request);
}

export async function askRunning(folder: string, request: Request): Promise<Answer> {
  const requests = requestsFolder(folder);
  mkdirSync(requests, { recursive: true, mode: 0o700 });
  const id = randomBytes(8).toString('hex');
  const path = join(requests, `${id}.json`);
  const answer = join(requests, `${id}.answer`);
  writeWhole(path, JSON.stringify(request), { durability: 'soon' });
  const deadline = Date.now() + (request.do === 'retain' ? patienceToRetain : patience);
  while (Date.now() < deadline) {
    try {
      const text = readFileSync(answer, 'utf8');
      rmSync(answer, { force: true });
      return JSON.parse(text) as Answer;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    await pause(25);
  }
  rmSync(path, { force: true });
  return {
    ok: false,
    problem: 'the running gateway does not answer',
    remedy: 'Look at its log, or stop it and try again.',
  };
}
