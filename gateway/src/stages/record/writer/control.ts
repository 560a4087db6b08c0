/** Requests of the command line to the one writer of a log, through the mailbox of the data folder. */
import { generateKeyPairSync } from 'node:crypto';
import { renameSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type OpenMailbox, openMailbox } from '../../../state/mailbox.ts';
import { inBackground } from '../../../telemetry/background.ts';
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

/** The log that is asked, and who writes it. */
export interface Asked {
  readonly folder: string;
  readonly keys: KeyPlaces;
  readonly origin: string;
  readonly writer: Writer;
  readonly retain: (ages: RetentionSettings) => Promise<Dropped>;
}

/** The data folder that has the mailbox, and the name of the log in it, which is its address. */
export function placeOf(folder: string): { readonly data: string; readonly address: string } {
  return { data: dirname(folder), address: basename(folder) };
}

export interface RequestDesk {
  /** Answers what was asked. Called periodically by the process that holds the log. */
  look(): void;
  close(): void;
}

/** Where a request failed: `onFailure` for the disk of the log, `onTrouble` for the mailbox, which records do not need. */
export interface DeskTroubles {
  readonly onFailure: (error: unknown) => void;
  readonly onTrouble: (error: unknown) => void;
}

export function requestDesk(asked: Asked, { onFailure, onTrouble }: DeskTroubles): RequestDesk {
  const { data, address } = placeOf(asked.folder);
  let mailbox: OpenMailbox | undefined;
  let isTroubled = false;
  const attempt = (work: (open: OpenMailbox) => void): void => {
    try {
      mailbox ??= openMailbox(data);
      if (mailbox !== undefined) work(mailbox);
      isTroubled = false;
    } catch (error) {
      if (!isTroubled) onTrouble(error);
      isTroubled = true;
    }
  };
  const say = (id: string, answer: Answer): void =>
    attempt((open) => open.answer({ to: address, id, text: JSON.stringify(answer) }, Date.now()));
  const take = async (id: string, text: string): Promise<void> => {
    const request = readRequest(text);
    const remedy = 'Use the command line of the same version.';
    if (request === undefined) return say(id, { ok: false, problem: `${id} is not a request`, remedy });
    try {
      say(id, await perform(request, asked));
    } catch (error) {
      onFailure(error);
      say(id, {
        ok: false,
        problem: `the gateway cannot write its log: ${textOf(error)}`,
        remedy: 'Mend the disk and ask again: it may not have begun; if it has, it is finished then.',
      });
    }
  };
  return {
    look: () =>
      attempt((open) => {
        // What takes long is answered when it is done, and holds up nothing else.
        for (const { id, text } of open.receive(address, Date.now())) inBackground('answer a request', take(id, text));
      }),
    close: () => mailbox?.close(),
  };
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

function readRequest(text: string): Request | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<string, unknown>>;
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

const retentionNames: readonly (keyof RetentionSettings)[] = [
  'read',
  'write',
  'destructive',
  'records',
  'size',
  'reserve',
];

function agesOf(value: unknown): RetentionSettings {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Partial<Record<string, unknown>>;
  return Object.fromEntries(
    retentionNames.map((name) => [name, given[name]]).filter(([, each]) => Number.isSafeInteger(each)),
  );
}
