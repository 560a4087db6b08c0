/** Newline-delimited messages from a stream, each line bounded. */
import type { Readable } from 'node:stream';

export interface LineEvents {
  onLine(line: Buffer): void;
  /** A line was longer than the limit; the rest of it is skipped. */
  onTooLong(): void;
  onEnd(): void;
}

const newline = 10;

export function readLines(input: Readable, limit: number, events: LineEvents): void {
  let parts: Buffer[] = [];
  let length = 0;
  let skipping = false;
  input.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const part = chunk.subarray(start, end);
      start = end + 1;
      if (skipping) skipping = false;
      else if (length + part.length > limit) events.onTooLong();
      else events.onLine(parts.length === 0 ? part : Buffer.concat([...parts, part]));
      parts = [];
      length = 0;
    }
    if (start === chunk.length || skipping) return;
    parts.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length <= limit) return;
    skipping = true;
    parts = [];
    length = 0;
    events.onTooLong();
  });
  input.on('end', () => events.onEnd());
  input.on('error', () => events.onEnd());
}
