/**
 * Reads HTTP/1.1 responses from the bytes of a connection (RFC 9112). Stricter than the RFC asks: what two readers could
 * frame differently is a fault, and a fault ends the connection. Every part has a bound but the body, which is handed on
 * as it comes and bounded by its consumer.
 */

export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface ResponseEvents {
  /** Final responses only; interim ones (1xx) are skipped. */
  onHead(status: number, headers: ResponseHeaders): void;
  /** A view of memory that is not written to any more. */
  onData(chunk: Buffer): void;
}

/** Bytes of status line and header fields, and of trailer fields. */
const maxHeadBytes = 32 * 1024;
const maxFields = 256;
/** Bytes of the line that begins a chunk: its size, and extensions that are ignored. */
const maxChunkLineBytes = 512;
const maxInterim = 8;
/** Bytes below which a chunk is not handed on by itself. */
const smallChunkBytes = 1_024;
/** Without a word of the server connections are kept this long; with one, a second less than it says. */
const defaultKeepAliveMs = 30_000;
const keepAliveMarginMs = 1_000;

const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');
const nothing = Buffer.alloc(0);

const statusLine = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** All field lines at once: names are tokens, values have no control character, nothing is folded (RFC 9112, 5). */
const fieldLines = /^(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)*$/;
const chunkLine = /^([0-9A-Fa-f]{1,8})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/;

type State = 'head' | 'fixed' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailers' | 'rest' | 'done';

export class ResponseReader {
  readonly #events: ResponseEvents;
  #state: State = 'head';
  /** The beginning of something that is not whole yet. */
  #kept: Buffer = nothing;
  /** Bytes that the body, or its chunk, still has. */
  #left = 0;
  #interim = 0;
  /** Small chunks that came in the same piece. */
  #small: Buffer[] = [];
  /** Chunks that began in the piece that was fed last. */
  chunks = 0;
  /** Milliseconds for which the connection may rest after this response; 0 when it must not be used again. */
  keep = defaultKeepAliveMs;

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  /** The response is whole. */
  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Takes what came. Returns what is wrong with it, if anything is. Bytes after the response are a fault as well. */
  feed(chunk: Buffer): string | undefined {
    this.chunks = 0;
    const problem = this.#feed(chunk);
    this.#flush();
    return problem;
  }

  /** Chunks of a few bytes are handed on together: each of them costs as much as a large one. */
  #take(part: Buffer): void {
    if (part.length >= smallChunkBytes) {
      this.#flush();
      this.#events.onData(part);
    } else this.#small.push(part);
  }

  #flush(): void {
    const [only, another] = this.#small;
    if (only === undefined) return;
    const joined = another === undefined ? only : Buffer.concat(this.#small);
    this.#small = [];
    this.#events.onData(joined);
  }

  #feed(chunk: Buffer): string | undefined {
    const data = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    this.#kept = nothing;
    let at = 0;
    while (at < data.length) {
      switch (this.#state) {
        case 'head': {
          const end = data.indexOf(headEnd, at);
          if (end - at > maxHeadBytes || (end === -1 && data.length - at > maxHeadBytes)) return 'head too large';
          if (end === -1) return this.#wait(data, at);
          const problem = this.#head(data.toString('latin1', at, end));
          if (problem !== undefined) return problem;
          at = end + headEnd.length;
          break;
        }
        case 'fixed':
        case 'chunk': {
          const end = Math.min(data.length, at + this.#left);
          this.#left -= end - at;
          this.#take(at === 0 && end === data.length ? data : data.subarray(at, end));
          at = end;
          if (this.#left > 0) return undefined;
          if (this.#state === 'fixed') this.#state = 'done';
          else this.#state = 'chunk-end';
          break;
        }
        case 'chunk-end':
          if (data.length - at < 2) return this.#wait(data, at);
          if (data[at] !== 13 || data[at + 1] !== 10) return 'chunk without an end';
          at += 2;
          this.#state = 'chunk-line';
          break;
        case 'chunk-line': {
          const end = data.indexOf(lineEnd, at);
          if (end - at > maxChunkLineBytes || (end === -1 && data.length - at > maxChunkLineBytes))
            return 'chunk line too long';
          if (end === -1) return this.#wait(data, at);
          const size = chunkLine.exec(data.toString('latin1', at, end))?.[1];
          if (size === undefined) return 'malformed chunk';
          at = end + 2;
          this.chunks++;
          this.#left = Number.parseInt(size, 16);
          this.#state = this.#left === 0 ? 'trailers' : 'chunk';
          break;
        }
        case 'trailers': {
          // Without trailer fields the line that ends them is all there is.
          const bare = data[at] === 13 && data[at + 1] === 10;
          const end = bare ? at : data.indexOf(headEnd, at);
          if (end - at > maxHeadBytes || (end === -1 && data.length - at > maxHeadBytes)) return 'trailers too large';
          if (end === -1) return this.#wait(data, at);
          if (!bare && !fieldLines.test(`\r\n${data.toString('latin1', at, end)}`)) return 'malformed trailers';
          at = end + (bare ? 2 : headEnd.length);
          this.#state = 'done';
          break;
        }
        case 'rest':
          this.#events.onData(at === 0 ? data : data.subarray(at));
          return undefined;
        case 'done':
          return 'bytes after the response';
      }
    }
    return undefined;
  }

  /** The connection has ended. True when that ends the response as well. */
  end(): boolean {
    if (this.#state !== 'rest') return false;
    this.#state = 'done';
    return true;
  }

  #wait(data: Buffer, at: number): undefined {
    this.#kept = at === 0 ? data : data.subarray(at);
    return undefined;
  }

  #head(text: string): string | undefined {
    const head = headOf(text);
    if (typeof head === 'string') return head;
    if (head.status < 200) return this.#interimResponse(head.status);
    this.keep = head.keep;
    this.#left = head.left;
    this.#state = head.body;
    this.#events.onHead(head.status, head.headers);
    if (this.#state === 'fixed' && this.#left === 0) this.#state = 'done';
    return undefined;
  }

  #interimResponse(status: number): string | undefined {
    this.#interim++;
    if (status === 101) return 'switches protocols unasked';
    return this.#interim > maxInterim ? 'too many interim responses' : undefined;
  }
}

/** What the head of a response says. */
interface Head extends Framing {
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/** How the body is framed (RFC 9112, 6.3), and whether another response may follow. */
interface Framing {
  readonly body: 'fixed' | 'chunk-line' | 'rest';
  readonly left: number;
  readonly keep: number;
}

let lastText = '';
let lastHead: Head | string = 'malformed head';

/** A server under load sends the same head for all answers of a second, so the last one is remembered. */
function headOf(text: string): Head | string {
  if (text !== lastText) {
    lastHead = readHead(text);
    lastText = text;
  }
  return lastHead;
}

function readHead(text: string): Head | string {
  const firstEnd = text.indexOf('\r\n');
  const first = statusLine.exec(firstEnd === -1 ? text : text.slice(0, firstEnd));
  const lines = firstEnd === -1 ? '' : text.slice(firstEnd);
  if (first === null || !fieldLines.test(lines)) return 'malformed head';
  const status = Number(first[2]);
  if (status < 200) return { status, headers: {}, body: 'rest', left: 0, keep: 0 };
  const headers = fieldsOf(lines);
  if (headers === undefined) return 'unacceptable header fields';
  const framing = framingOf(status, first[1] === '1', headers);
  return typeof framing === 'string' ? framing : { status, headers, ...framing };
}

function framingOf(status: number, current: boolean, headers: ResponseHeaders): Framing | string {
  const { connection, 'transfer-encoding': coding, 'content-length': length } = headers;
  const hint = headers['keep-alive'];
  let keep = defaultKeepAliveMs;
  if (!current || (connection !== undefined && /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i.test(String(connection)))) keep = 0;
  else if (typeof hint === 'string') keep = keepFor(hint);
  if (status === 204 || status === 304)
    // There is no body, whatever the fields say; who says otherwise may send one.
    return { body: 'fixed', left: 0, keep: coding === undefined && length === undefined ? keep : 0 };
  if (coding !== undefined) {
    // Both at once, or another coding, is how one reader is made to see another body than the next.
    if (length !== undefined || !current) return 'ambiguous length';
    if (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked') return 'unknown transfer coding';
    return { body: 'chunk-line', left: 0, keep };
  }
  if (length === undefined) return { body: 'rest', left: 0, keep: 0 };
  if (typeof length !== 'string' || !/^[0-9]{1,15}$/.test(length)) return 'malformed length';
  return { body: 'fixed', left: Number(length), keep };
}

/** `lines` has passed `fieldLines`: each begins with CRLF. `undefined` when there are too many, or one named as no field is. */
function fieldsOf(lines: string): ResponseHeaders | undefined {
  const fields: Record<string, string | string[]> = {};
  let count = 0;
  for (let at = 2; at < lines.length; ) {
    if (++count > maxFields) return undefined;
    const next = lines.indexOf('\r\n', at);
    const end = next === -1 ? lines.length : next;
    const colon = lines.indexOf(':', at);
    const name = lines.slice(at, colon).toLowerCase();
    const value = lines.slice(colon + 1, end).trim();
    if (name === '__proto__') return undefined;
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (known === undefined) fields[name] = value;
    else if (typeof known === 'string') fields[name] = [known, value];
    else known.push(value);
    at = end + 2;
  }
  return fields;
}

function keepFor(hint: string): number {
  const seconds = /(?:^|[,;\t ])timeout=([0-9]{1,6})(?:$|[,;\t ])/i.exec(hint)?.[1];
  if (seconds === undefined) return defaultKeepAliveMs;
  return Math.min(Math.max(Number(seconds) * 1_000 - keepAliveMarginMs, 0), defaultKeepAliveMs);
}
