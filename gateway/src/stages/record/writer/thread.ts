/** The thread of the writer. Blocks for as long as the disk takes; no other thread waits for that. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { inBackground } from '../../../telemetry/background.ts';
import { Anchoring } from '../anchors/anchoring.ts';
import { packingOf } from '../record/packed.ts';
import type { Dropped } from '../retention/dropped.ts';
import { Retention } from '../retention/retention.ts';
import { SpaceWatch } from '../retention/space-watch.ts';
import type { RetentionSettings } from '../settings.ts';
import { requestDesk } from './control.ts';
import { HandedOver, type Posted } from './hand-over.ts';
import { openWriter } from './open.ts';
import type { FromWriter, ToWriter, WriterStart } from './protocol.ts';

/** A checkpoint is published this long after the one before it, and at once when that is longer ago. */
const publishEvery = 500;
/** An idle log says that it is alive. */
const heartbeatEvery = 60_000;
const retryEvery = 1_000;
const requestsEvery = 250;
const spaceEvery = 1_000;
const retainEvery = 3_600_000;
/** The first retention run, once the start is over. */
const retainFirst = 2_000;

async function main(port: MessagePort, start: WriterStart): Promise<void> {
  const say = (message: FromWriter): void => port.postMessage(message);
  const opened = await openWriter({
    folder: start.folder,
    keys: start.keys,
    master: Buffer.from(start.master),
  });
  if (!opened.ok) {
    say({ type: 'refused', locked: opened.reason === 'locked', problem: opened.problem, remedy: opened.remedy });
    port.close();
    return;
  }
  const { writer, origin, release } = opened.value;
  let { settings } = start;
  const records = new HandedOver(start.records, () => receivePosted());
  writer.takeFrom(records);
  const anchoring = new Anchoring(start.folder, settings.anchors, (problem) => say({ type: 'trouble', problem }));
  let publishTimer: NodeJS.Timeout | undefined;
  let publishing: Promise<void> | undefined;
  let retryTimer: NodeJS.Timeout | undefined;
  let lastPublish = 0;
  let failing = false;
  let closing = false;
  let closed = false;
  let rest: readonly Posted[] = [];

  /** Records go first: a caller may wait for a record, and none waits for a checkpoint. */
  const publish = async (): Promise<void> => {
    publishTimer = undefined;
    lastPublish = Date.now();
    try {
      await writer.publishBeside();
    } catch (error) {
      failed(error);
    }
    publishing = undefined;
    publishSoon();
  };
  const publishSoon = (): void => {
    if (closed || writer.published === writer.size || publishTimer !== undefined || publishing !== undefined) return;
    const wait = Math.max(0, lastPublish + publishEvery - Date.now());
    publishTimer = setTimeout(() => {
      publishing = publish();
    }, wait);
  };
  /** Runs work that the disk may fail; says so, and tries again later. */
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      failed(error);
    }
  };
  const failed = (error: unknown): void => {
    if (!failing) say({ type: 'failing', problem: textOf(error) });
    failing = true;
    if (closed) return;
    retryTimer ??= setTimeout(() => {
      retryTimer = undefined;
      write();
    }, retryEvery);
  };
  /** Makes durable what has arrived, and what arrives meanwhile. */
  const commit = (): void => {
    while (writer.busy) writer.commit();
  };
  const write = (): void => {
    attempt(() => {
      commit();
      if (failing) {
        // Whatever it was that failed: records and checkpoint are on the disk now.
        writer.publish();
        failing = false;
        say({ type: 'failing', problem: '' });
      }
      publishSoon();
    });
    if (closing) inBackground('close log', close());
  };
  const handle = (message: ToWriter): void => {
    if (message instanceof ArrayBuffer) return records.posted(message);
    switch (message.type) {
      case 'settings':
        settings = message.settings;
        anchoring.configure(settings.anchors);
        return;
      case 'close':
        closing = true;
        rest = message.rest;
    }
  };
  /** A record that did not fit into shared memory was sent before the place that marks it was handed over. */
  const receivePosted = (): void => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      handle(next.message as ToWriter);
  };
  const retention = new Retention(start.folder, writer);
  const retain = (ages: RetentionSettings): Promise<Dropped> =>
    retention.run(ages).catch((error: unknown) => {
      // Should it be the disk of the log itself, that is found out here.
      if (!closing) write();
      throw error;
    });
  const desk = requestDesk(
    { ...start, origin, writer, retain },
    {
      onFailure: failed,
      onTrouble: (error) => say({ type: 'trouble', problem: `commands cannot ask the log: ${textOf(error)}` }),
    },
  );
  const requests = setInterval(() => desk.look(), requestsEvery);
  const heartbeat = setInterval(() => {
    // While nothing can be written there is nothing to say, and what waits does not grow.
    if (failing || Date.now() - writer.lastWritten < heartbeatEvery) return;
    attempt(() => {
      writer.note({ kind: 'heartbeat', at: Date.now(), detail: {} });
      write();
    });
  }, heartbeatEvery / 4);

  const retainNow = async (): Promise<Dropped | undefined> => {
    try {
      return await retain(settings.retention);
    } catch (error) {
      if (!closing) say({ type: 'trouble', problem: `what is too old cannot be dropped: ${textOf(error)}` });
      return undefined;
    }
  };
  const retainAgain = async (): Promise<void> => {
    if (Object.keys(settings.retention).length > 0) await retainNow();
    if (!closed) retainTimer = setTimeout(() => void retainAgain(), retainEvery);
  };
  let retainTimer = setTimeout(() => void retainAgain(), retainFirst);
  const space = new SpaceWatch({
    folder: start.folder,
    written: () => writer.bytes,
    retain: retainNow,
    say: (problem) => say({ type: 'trouble', problem }),
  });
  const spaceTimer = setInterval(() => void space.look(settings.retention), spaceEvery);

  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    for (const timer of [publishTimer, retryTimer, requests, heartbeat, retainTimer, spaceTimer]) clearInterval(timer);
    // Each in its turn, whatever became of the one before: the gateway waits for the end of this thread.
    const steps = [
      () => retention.close(),
      () => publishing,
      () => writer.acceptPacked(rest.map(packingOf)),
      () => writer.close(),
      () => anchoring.close(),
      () => desk.close(),
      () => release(),
    ] as const;
    for (const step of steps)
      try {
        await step();
      } catch (error) {
        say({ type: 'failing', problem: textOf(error) });
      }
    say({ type: 'closed' });
    port.close();
  };
  port.on('message', (message: ToWriter) => {
    if (closing) return;
    handle(message);
    if (closing) write();
  });
  writer.onDone = (durable) => records.answer(durable);
  writer.onTrouble = (problem) => say({ type: 'trouble', problem });
  const { size, served } = writer;
  say({ type: 'opened', size, origin, key: writer.signer.verifierKey, served });
  write();
  const goOn = async (): Promise<void> => {
    for (;;) {
      await records.change();
      if (closing) return;
      write();
    }
  };
  inBackground('write records', goOn());
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

if (parentPort !== null) await main(parentPort, workerData as WriterStart);
