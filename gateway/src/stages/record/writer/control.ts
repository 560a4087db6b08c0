/**
 * Requests of the command line to the one writer of a log, as files: `requests/<id>.json`, answered in `<id>.answer`.
 * That works on any file system, needs no address, and outlives both sides.
 */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readFileSync } from '../../../stores/own-files.ts';
import { writeWhole } from '../../../stores/whole-file.ts';
import { writeSigningKey } from '../keys/signing-key.ts';
import { signatureLine } from '../log/note.ts';
import type { Dropped } from '../retention/dropped.ts';
import type { RetentionSettings } from '../settings.ts';
import { nextKeyPath } from './open.ts';
import type { KeyPlaces } from './protocol.ts';
import type { Writer } from './writer.ts';

export type Request =
  | { readonly do: 'erase'; readonly subject: string }
  | { readonly do: 'rotate-key' }
  /** Ids of the master keys, for the record: the key of the log is put under another one beside the writer. */
  | { readonly do: 'note-rewrap'; readonly from: string; readonly to: string }
  | { readonly do: 'retain'; readonly ages: RetentionSettings }
  /** What was exported, for the record, without its subjects. */
  | { readonly do: 'note-export'; readonly format: string; readonly disclosed: string; readonly records: number }
  | { readonly do: 'publish' };

export type Answer =
  | { readonly ok: true; readonly result: Readonly<Record<string, string | number>> }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

/** Requests answered at one time; the rest wait for the next. */
const maxAtOnce = 16;

/** The log that is asked, and who writes it. */
export interface Asked {
  readonly folder: string;
  readonly keys: KeyPlaces;
  readonly origin: string;
  readonly writer: Writer;
  readonly retain: (ages: RetentionSettings) => Promise<Dropped>;
}

export function requestsFolder(folder: string): string {
  return join(folder, 'requests');
}

/** Answers pending requests. Called periodically by the process that holds the log; `onFailure` gets disk errors. */
export function answerRequests(asked: Asked, onFailure: (error: unknown) => void): void {
  const folder = requestsFolder(asked.folder);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  for (const name of names.slice(0, maxAtOnce)) {
    const path = join(folder, name);
    const request = readRequest(path);
    rmSync(path, { force: true });
    const say = (answer: Answer): void => writeAnswer(join(folder, name.replace(/\.json$/, '.answer')), answer);
    if (request === undefined) {
      say({ ok: false, problem: `${name} is not a request`, remedy: 'Use the command line of the same version.' });
      continue;
    }
    // What takes long is answered when it is done, and holds up nothing else.
    perform(request, asked)
      .catch((error: unknown): Answer => {
        onFailure(error);
        const problem = `the gateway cannot write its log: ${textOf(error)}`;
        return {
          ok: false,
          problem,
          remedy: 'Mend the disk and ask again: it may not have begun; if it has, it is finished then.',
        };
      })
      .then(say)
      .catch(onFailure);
  }
}

/** Rejects when the disk fails. */
export async function perform(request: Request, { keys, origin, writer, retain }: Asked): Promise<Answer> {
  switch (request.do) {
    case 'publish':
      writer.drain();
      writer.publish();
      return { ok: true, result: { size: writer.published } };
    case 'retain': {
      try {
        const { tiers, entries } = await retain(request.ages);
        return { ok: true, result: { ...tiers, records: entries } };
      } catch (error) {
        // Old files that cannot be changed are no reason to refuse new records.
        return {
          ok: false,
          problem: `what is too old cannot be dropped: ${textOf(error)}`,
          remedy: 'Mend the disk and ask again: what was begun goes on then.',
        };
      }
    }
    case 'erase': {
      if (!isPerson(request.subject))
        return {
          ok: false,
          problem: `${request.subject} cannot be erased`,
          remedy: 'Only user:name, agent:name and application:name can: the rest is what the gateway says of itself.',
        };
      const erased = writer.erase(request.subject);
      if (erased === undefined)
        return {
          ok: false,
          problem: `the log holds nothing about ${request.subject}`,
          remedy: 'Write it as user:name, agent:name or application:name; `audit subjects` lists them.',
        };
      const checkpoint = writer.publish() ?? '';
      const body = `sallyport erasure certificate v1\n${origin}\nsubject ${erased.pseudonym}\ntombstone ${erased.seq}\ntime ${new Date().toISOString()}\n`;
      const certificate = `${body}\n${signatureLine(writer.signer, body)}`;
      return { ok: true, result: { ...erased, certificate, checkpoint } };
    }
    case 'note-rewrap': {
      const { from, to } = request;
      writer.note({ kind: 'master-key', at: Date.now(), detail: { event: 'rewrap', from, to } });
      writer.drain();
      writer.publish();
      return { ok: true, result: { from, to } };
    }
    case 'note-export': {
      const { format, disclosed, records } = request;
      writer.note({ kind: 'export', at: Date.now(), detail: { format, disclosed, records } });
      writer.drain();
      writer.publish();
      return { ok: true, result: { records } };
    }
    case 'rotate-key': {
      if (keys.signingPem !== undefined)
        return {
          ok: false,
          problem: 'the signing key comes from the configuration',
          remedy: 'Keys of a file in the data folder can be rotated here.',
        };
      const { privateKey } = generateKeyPairSync('ed25519');
      // Found by the next opening, should this process end between the record and the exchange of the files.
      writeSigningKey(nextKeyPath(keys), privateKey);
      const key = writer.rotate(privateKey, () => renameSync(nextKeyPath(keys), keys.signing));
      return { ok: true, result: { key } };
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function readRequest(path: string): Request | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Record<string, unknown>>;
    if (value['do'] === 'publish' || value['do'] === 'rotate-key') return { do: value['do'] };
    if (value['do'] === 'erase' && typeof value['subject'] === 'string')
      return { do: 'erase', subject: value['subject'] };
    const { from, to } = value;
    if (value['do'] === 'note-rewrap' && isKeyId(from) && isKeyId(to)) return { do: 'note-rewrap', from, to };
    if (value['do'] === 'note-export') return exportNote(value);
    if (value['do'] === 'retain') return { do: 'retain', ages: agesOf(value['ages']) };
    return undefined;
  } catch {
    return undefined;
  }
}

function exportNote(value: Partial<Record<string, unknown>>): Request | undefined {
  const { format, disclosed, records } = value;
  const isWord = (text: unknown): text is string => typeof text === 'string' && /^[a-z, -]{0,64}$/.test(text);
  if (!isWord(format) || !isWord(disclosed) || !Number.isSafeInteger(records)) return undefined;
  return { do: 'note-export', format, disclosed, records: Number(records) };
}

/** Other subjects, such as `gateway` and `unknown`, are no callers: their keys hold evidence that names none. */
export function isPerson(subject: string): boolean {
  return /^(user|agent|application):./s.test(subject);
}

function isKeyId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

function agesOf(value: unknown): RetentionSettings {
  const given = Object.entries(typeof value === 'object' && value !== null ? value : {});
  return Object.fromEntries(
    given.filter(
      ([name, age]) => ['read', 'write', 'destructive', 'records'].includes(name) && Number.isSafeInteger(age),
    ),
  );
}

function writeAnswer(path: string, answer: Answer): void {
  writeWhole(path, JSON.stringify(answer), { durability: 'soon' });
}
