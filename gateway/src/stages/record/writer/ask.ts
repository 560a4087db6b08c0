/** Has the one writer of a log do something: the running gateway if there is one, else this process for a moment. */
import { setTimeout as pause } from 'node:timers/promises';
import { openMailbox } from '../../../state/mailbox.ts';
import { Retention } from '../retention/retention.ts';
import { type Answer, perform, placeOf, type Request } from './control.ts';
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
  const { data, address } = placeOf(folder);
  const mailbox = openMailbox(data);
  if (mailbox === undefined) return noAnswer;
  try {
    const until = Date.now() + (request.do === 'retain' ? patienceToRetain : patience);
    const id = mailbox.send(address, { text: JSON.stringify(request), until }, Date.now());
    if (id === undefined) return noAnswer;
    while (Date.now() < until) {
      const text = mailbox.answerTo(id, Date.now());
      if (text !== undefined) return JSON.parse(text) as Answer;
      await pause(25);
    }
    mailbox.withdraw(id, Date.now());
    return noAnswer;
  } finally {
    mailbox.close();
  }
}

const noAnswer: Answer = {
  ok: false,
  problem: 'the running gateway does not answer',
  remedy: 'Look at its log, or stop it and try again.',
};
