/** Runs of base64, base64url and hexadecimal digits that are text. */
import { isUtf8 } from 'node:buffer';
import { isIn } from './alphabet.ts';
import { codeUnits } from './code-units.ts';

/** Shorter runs are words, and hold too little to be told from chance. */
const minRun = 24;

export interface Encoded {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export function decodedRuns(text: string): readonly Encoded[] {
  const all: Encoded[] = [];
  // A run of 24 has a character of the alphabet at every 24th place: most of the text is not touched.
  for (let probe = minRun - 1; probe < text.length; ) {
    let from = probe;
    const least = probe - minRun;
    while (from > least && inRun(text, from)) from--;
    const start = from + 1;
    let to = probe + 1;
    const enough = start + minRun;
    while (to < enough && to < text.length && inRun(text, to)) to++;
    if (start > probe || to < enough) {
      probe = start > probe ? probe + minRun : to + minRun;
      continue;
    }
    while (to < text.length && inRun(text, to)) to++;
    while (text.charCodeAt(to) === equals) to++;
    const decoded = decode(text, start, to);
    if (decoded !== undefined) all.push(decoded);
    probe = to + minRun - 1;
  }
  return all;
}

const equals = 61;
/** `=` only ends base64, and stands between a name and its value. */
const runSigns = new Uint8Array(codeUnits);
for (let code = 0; code < 128; code++) runSigns[code] = code !== equals && (isIn(code, 'B') || isIn(code, 'b')) ? 1 : 0;

function inRun(text: string, at: number): boolean {
  return runSigns[text.charCodeAt(at)] === 1;
}

const hexOnly = /^[0-9a-fA-F]+$/;
const lower = /[a-z]/;
const upper = /[A-Z]/;

function decode(text: string, from: number, to: number): Encoded | undefined {
  const run = text.slice(from, to);
  if (hexOnly.test(run)) {
    const value = textIn(Buffer.from(run.slice(0, run.length & ~1), 'hex'));
    return value === undefined ? undefined : { from, to, text: value };
  }
  const head = run.slice(0, 256);
  if (!lower.test(head) || !upper.test(head)) return undefined;
  for (let shift = 0; shift < 4; shift++) {
    if (shift > 0 && !looksLikeText(run, shift)) continue;
    const value = textIn(Buffer.from(shift === 0 ? run : run.slice(shift), 'base64'));
    if (value !== undefined) return { from: from + shift, to, text: value };
  }
  return undefined;
}

/** Whether the first bytes of each group of three are ASCII, as a look at the first character of each group tells. */
function looksLikeText(run: string, shift: number): boolean {
  const most = Math.min(run.length, shift + 64);
  for (let at = shift; at < most; at += 4) {
    const code = run.charCodeAt(at);
    // Values below 32: A to Z, a to f.
    if (!((code >= 65 && code <= 90) || (code >= 97 && code <= 102))) return at > run.length - 4;
  }
  return true;
}

const sample = 512;

/** What bytes say where they are text. */
export function textIn(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, sample);
  let plain = 0;
  for (const byte of head) if ((byte >= 0x20 && byte < 0x7f) || byte === 10 || byte === 13 || byte === 9) plain++;
  if (plain < head.length * 0.9) {
    // Text in other scripts is UTF-8, which chance does not make from as many bytes.
    const end = bytes.at(-1) ?? 0;
    if (bytes.length < 18 || !isUtf8(end < 0x80 ? bytes : trimmed(bytes)) || hasControls(head)) return undefined;
  }
  return bytes.toString('utf8');
}

/** Without a character that was cut at the end. */
function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes.length - end < 3 && ((bytes[end - 1] ?? 0) & 0xc0) === 0x80) end--;
  return isUtf8(bytes) ? bytes : bytes.subarray(0, Math.max(0, end - 1));
}

function hasControls(bytes: Buffer): boolean {
  return bytes.some((byte) => byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13);
}
