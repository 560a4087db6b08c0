/** The messages of one stream, in their order: a long one is read in turns with everything else, and those behind it wait. */
import { type Turns, turnsOf } from '../pipeline/turns.ts';
import { encodingFault, type JsonResult, parseJson, parseJsonText } from '../protocol/json.ts';
import { longText, readingLongJson } from '../protocol/json-pieces.ts';
import type { JsonLimits } from '../protocol/json-survey.ts';
import { inBackground } from '../telemetry/background.ts';

/** What came of one message. */
export interface Bytes {
  readonly length: number;
  whole(): Buffer;
}

interface Waiting {
  readonly action: () => void;
  readonly length: number;
}

export class MessageReader {
  #isBusy = false;
  #waitingLength = 0;
  /** The owner of the stream looks after its bound: `waitingLength`. */
  readonly #waiting: Waiting[] = [];

  /** A long text is being read, or what waited for it has its turns. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Characters of what waits, and what each takes beside them. */
  get waitingLength(): number {
    return this.#waitingLength;
  }

  /** Does it now, or after what is being read and what waits already. */
  after(action: () => void, length = 0): void {
    if (!this.#isBusy) return action();
    this.#waitingLength += length + entryLength;
    this.#waiting.push({ action, length: length + entryLength });
  }

  /** Calls `then` at once, or later where the text is long. Not while another one is being read. */
  read(text: string, limits: JsonLimits, then: (result: JsonResult) => void): void {
    if (text.length < shortLength) return then(parseJsonText(text, limits));
    const turns = turnsOf();
    // Many that are not long hold up the loop as well, where they come in one turn of it.
    if (text.length < longText && !turns.isOver()) return then(parseJsonText(text, limits));
    this.#isBusy = true;
    inBackground('a long message', this.#readLong(readingLongJson(text, limits), turns, then));
  }

  /** As `read`. To make one text of megabytes of bytes takes milliseconds as well, and many messages may end in one turn. */
  readBytes(bytes: Bytes, limits: JsonLimits, then: (result: JsonResult) => void): void {
    if (bytes.length < shortLength) return then(parseJson(bytes.whole(), limits));
    const turns = turnsOf();
    if (bytes.length < longText && !turns.isOver()) return then(parseJson(bytes.whole(), limits));
    this.#isBusy = true;
    inBackground('a long message', this.#readLong(readingLongBytes(bytes, limits), turns, then));
  }

  async #readLong(steps: Reading, turns: Turns, then: (result: JsonResult) => void): Promise<void> {
    if (turns.isOver()) await turns.next();
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) if (turns.isOver()) await turns.next();
    this.#isBusy = false;
    then(step.value);
    if (!this.isBusy) await this.#catchUp(turns);
  }

  async #catchUp(turns: Turns): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#waitingLength -= next.length;
      next.action();
      // Long itself: the others go on waiting, for that one.
      if (this.isBusy) return;
      if (!turns.isOver()) continue;
      this.#isBusy = true;
      await turns.next();
      this.#isBusy = false;
    }
  }
}

type Reading = ReturnType<typeof readingLongJson>;

function* readingLongBytes(bytes: Bytes, limits: JsonLimits): Reading {
  const whole = bytes.whole();
  yield;
  const fault = encodingFault(whole);
  if (fault !== undefined) return { ok: false, fault };
  const text = whole.toString('utf8');
  yield;
  return yield* readingLongJson(text, limits);
}

const entryLength = 256;
/** Characters of a message that is read at once in any case. */
const shortLength = 16 * 1024;
