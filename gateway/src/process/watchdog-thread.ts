/** The thread of the watchdog. See `watchdog.ts`. */
import { Session } from 'node:inspector';
import { parentPort, workerData } from 'node:worker_threads';
import { leaveLastWords } from './last-words.ts';
import { openName, type WatchdogStart } from './watchdog.ts';

const { shared, data, exitCode } = workerData as WatchdogStart;
const lookMs = 250;
/** Milliseconds within which a loop that runs JavaScript can be stopped. One that waits for the system cannot. */
const pauseMs = 2_000;
/** A message that comes while the main thread is about to wait for messages can be missed: each is sent again. */
const resendMs = 50;
const maxFrames = 64;

interface Frame {
  readonly callFrameId: string;
  readonly functionName: string;
  /** Frames have no URL of their own: that of their script tells the file. */
  readonly location: { readonly scriptId: string; readonly lineNumber: number };
}

let lookedAt = Date.now();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
parentPort?.postMessage('watching');

const timer = setInterval(() => {
  const now = Date.now();
  // The machine slept, or gave this thread no time either, or the clock was set: nothing is known of the loop.
  const isOdd = now - lookedAt > 4 * lookMs || now < lookedAt;
  lookedAt = now;
  if (isOdd) shared[0] = Math.max(shared[0] ?? 0, now);
  if (now - (shared[0] ?? now) < (shared[1] ?? Number.POSITIVE_INFINITY)) return;
  clearInterval(timer);
  end(now);
}, lookMs);

/** Stops the main thread where it is, writes down where that was, and ends the process there. */
function end(at: number): void {
  const session = new Session();
  const give = (stack: string, open: readonly string[]): void => {
    leaveLastWords(data, { kind: 'stall', at, pid: process.pid, stack, open });
  };
  const kill = (): void => {
    process.kill(process.pid, 'SIGKILL');
  };
  const unstopped = setTimeout(() => {
    give('the main thread does not run JavaScript: it waits for the system', []);
    kill();
  }, pauseMs);
  session.connectToMainThread();
  const urls = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
  session.once('Debugger.paused', ({ params }) => {
    clearTimeout(unstopped);
    clearInterval(pausing);
    const frames = params.callFrames as unknown as readonly Frame[];
    const stack = frames
      .slice(0, maxFrames)
      .map(
        ({ functionName, location: { scriptId, lineNumber } }) =>
          `${functionName || '(anonymous)'} ${urls.get(scriptId) ?? ''}:${lineNumber + 1}`,
      )
      .join('\n');
    const callFrameId = frames[0]?.callFrameId ?? '';
    const run = (expression: string, then: (value: unknown) => void): void => {
      let isAnswered = false;
      const send = (): void =>
        session.post(
          'Debugger.evaluateOnCallFrame',
          { callFrameId, expression, returnByValue: true },
          (_no, answer) => {
            clearInterval(again);
            if (!isAnswered) then(answer?.result.value);
            isAnswered = true;
          },
        );
      const again = setInterval(send, resendMs);
      send();
    };
    setTimeout(() => {
      if (!isLeft) give(stack, []);
      kill();
    }, pauseMs);
    let isLeft = false;
    run(`globalThis.${openName}?.() ?? []`, (open) => {
      give(stack, Array.isArray(open) ? open.map(String) : []);
      isLeft = true;
      // Only the main thread can end the process with a code, and it cannot clean up where it stands: a program that
      // ends with that code takes the place of this one.
      run(`process.execve(process.execPath, [process.execPath, '-e', 'process.exit(${exitCode})'], {})`, kill);
    });
  });
  const pause = (): void => {
    session.post('Debugger.enable');
    session.post('Debugger.pause');
  };
  const pausing = setInterval(pause, resendMs);
  pause();
}
