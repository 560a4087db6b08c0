/**
 * The cases of a detector: `positives` by class, and `negatives`, in which nothing may be found. Values that a scanner of
 * repositories would stop are written so that they arise here only: a `·` is dropped, and these are replaced:
 * `{{a:36}}` 36 random signs of an alphabet of `engine/alphabet.ts`, the same in each run · `{{jwt}}` · `{{pem}}` ·
 * `{{b64 …}}`, `{{hex …}}`, `{{tags …}}`, `{{percent …}}` and `{{unicode …}}` the text in that form.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Alphabet, isIn } from '../../src/stages/inspect/detectors/engine/alphabet.ts';

const folder = join(import.meta.dirname, '..', '..', 'src', 'stages', 'inspect', 'detectors');

export interface DetectorCase {
  readonly text: string;
  /** The classes that are found in it. */
  readonly finds: readonly string[];
}

interface CaseFile {
  readonly options?: unknown;
  readonly positives: Readonly<Record<string, readonly string[]>>;
  readonly negatives: readonly string[];
}

export interface DetectorCases {
  /** What the operator configured. */
  readonly options: unknown;
  readonly cases: readonly DetectorCase[];
}

/** Every file `cases*.yaml` of the detector. */
export function casesOf(detector: string): DetectorCases {
  const files = globSync(join(folder, detector, 'cases*.yaml')).toSorted();
  const read = files.map((file) => parse(readFileSync(file, 'utf8')) as CaseFile);
  return {
    options: read.find((file) => file.options !== undefined)?.options,
    cases: read.flatMap(({ positives, negatives }) => [
      ...Object.entries(positives ?? {}).flatMap(([finds, texts]) =>
        texts.map((text) => ({ text: expanded(text), finds: finds.split(' ') })),
      ),
      ...(negatives ?? []).map((text) => ({ text: expanded(text), finds: [] })),
    ]),
  };
}

/** The same numbers for the same text. */
export function numbersFrom(text: string): () => number {
  let state = 2_166_136_261;
  for (const sign of text) state = Math.imul(state ^ (sign.codePointAt(0) ?? 0), 16_777_619);
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) / 0x100_0000;
  };
}

const ascii = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at));

/** Signs of an alphabet; the first two are a digit and a letter where it has both. */
export function randomOf(alphabet: Alphabet, length: number, number: () => number): string {
  const signs = ascii.filter((sign) => isIn(sign.charCodeAt(0), alphabet) && !'=.~'.includes(sign));
  return Array.from({ length }, () => signs[Math.floor(number() * signs.length)] ?? '').join('');
}

export function expanded(text: string): string {
  const number = numbersFrom(text);
  return text
    .replaceAll('·', '')
    .replace(/\{\{(\w+)(?:[: ]([^}]*))?\}\}/g, (_, form: string, value = '') => valueOf(form, value as string, number));
}

function valueOf(form: string, value: string, number: () => number): string {
  const bytes = Buffer.from(value);
  if (form === 'jwt') {
    const claims = { sub: randomOf('l', 12, number), iss: 'https://login.internal', exp: 1_790_000_000 };
    const parts = [{ alg: 'RS256', kid: randomOf('h', 8, number) }, claims];
    return [
      ...parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')),
      randomOf('b', 86, number),
    ].join('.');
  }
  if (form === 'pem') return Array.from({ length: 6 }, () => randomOf('B', 64, number)).join('\n');
  if (form === 'b64') return bytes.toString('base64');
  if (form === 'hex') return bytes.toString('hex');
  if (form === 'percent') return bytes.toString('hex').replace(/../g, '%$&');
  if (form === 'unicode')
    return Array.from(value)
      .map((sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  if (form === 'tags')
    return Array.from(value)
      .map((sign) => String.fromCodePoint(0xe0000 + sign.charCodeAt(0)))
      .join('');
  return randomOf(form as Alphabet, Number(value), number);
}
