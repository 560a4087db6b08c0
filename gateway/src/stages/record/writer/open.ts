/** Opens a log for writing: takes its lock, its keys and its name. In the writer's thread, or in a command without one. */
import { type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readFileSync } from '../../../stores/own-files.ts';
import { holdLock } from '../../../stores/sqlite/lock.ts';
import { localKeyService, openWrappingKey, refuseIfOthersRead } from '../keys/key-service.ts';
import { openSigningKey, parseSigningKey, type SigningKeyResult } from '../keys/signing-key.ts';
import { Subjects } from '../keys/subjects.ts';
import { type Disk, realDisk, replaceFile, syncFolder } from '../log/disk.ts';
import { LogDamage } from '../log/recovery.ts';
import type { KeyPlaces } from './protocol.ts';
import { Writer } from './writer.ts';

export interface OpenWriterOptions {
  readonly folder: string;
  readonly keys: KeyPlaces;
  readonly master: Buffer;
  readonly disk?: Disk;
  readonly now?: () => number;
}

export interface OpenedWriter {
  readonly writer: Writer;
  readonly origin: string;
  readonly subjects: Subjects;
  /** Lets go of the folder. */
  readonly release: () => void;
}

export type OpenWriterResult =
  | { readonly ok: true; readonly value: OpenedWriter }
  | { readonly ok: false; readonly reason: 'locked' | 'unusable'; readonly problem: string; readonly remedy: string };

export async function openWriter(options: OpenWriterOptions): Promise<OpenWriterResult> {
  const { folder, keys, master, disk = realDisk, now = Date.now } = options;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = holdLock(join(folder, 'lock'));
    if (lock === undefined)
      return {
        ok: false,
        reason: 'locked',
        problem: `another gateway writes the log in ${folder}`,
        remedy: 'Stop it, or give this one a data folder of its own.',
      };
    try {
      const signing = signingKey(keys);
      if (!signing.ok) {
        lock.release();
        return { ...signing, reason: 'unusable' };
      }
      const origin = originOf(folder, disk);
      const wrapping = await openWrappingKey(
        { path: keys.wrapping, context: `log ${origin}`, wrapped: keys.subjects },
        localKeyService(master),
      );
      refuseIfOthersRead(keys.subjects);
      const subjects = new Subjects(keys.subjects, disk, wrapping);
      const parts = { folder, disk, origin, subjects, now };
      const writer = withNextKey(keys, signing.key, (signingKey) => new Writer({ ...parts, signingKey }));
      return { ok: true, value: { writer, origin, subjects, release: () => lock.release() } };
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    return { ok: false, reason: 'unusable', ...complaint(folder, error) };
  }
}

function complaint(folder: string, error: unknown): { problem: string; remedy: string } {
  if (error instanceof LogDamage) return { problem: error.message, remedy: error.remedy };
  const text = error instanceof Error ? error.message : String(error);
  return {
    problem: `the log in ${folder} cannot be opened: ${text}`,
    remedy: text.includes('the master key does not open it')
      ? 'Give the master key that the log is under: audit.keys.master, or keys/master. After `audit rewrap` it is the new one.'
      : 'Look at the folder, its disk and its owner; restore missing keys from a backup.',
  };
}

function signingKey(keys: KeyPlaces): SigningKeyResult {
  return keys.signingPem === undefined
    ? openSigningKey(keys.signing)
    : parseSigningKey(keys.signingPem, 'audit.keys.signing');
}

export function nextKeyPath(keys: KeyPlaces): string {
  return `${keys.signing}.next`;
}

/** A rotation may have been recorded without the new key having taken the place of the old one. */
function withNextKey(keys: KeyPlaces, key: KeyObject, make: (key: KeyObject) => Writer): Writer {
  const path = nextKeyPath(keys);
  if (keys.signingPem !== undefined || !existsSync(path)) return make(key);
  const next = openSigningKey(path);
  try {
    const writer = make(key);
    // It was made and never used.
    rmSync(path);
    return writer;
  } catch (error) {
    if (!next.ok || error instanceof LogDamage) throw error;
    const writer = make(next.key);
    renameSync(path, keys.signing);
    return writer;
  }
}

/** The name of the log, for good: part of every checkpoint, so that two logs are never taken for each other. */
function originOf(folder: string, disk: Disk): string {
  const path = join(folder, 'log.json');
  if (!existsSync(path)) {
    const origin = `sallyport.log/${randomBytes(8).toString('hex')}`;
    replaceFile(disk, path, `${JSON.stringify({ version: 1, origin })}\n`);
    syncFolder(disk, folder);
    return origin;
  }
  return readOrigin(folder);
}

export function readOrigin(folder: string): string {
  const path = join(folder, 'log.json');
  const text = readFileSync(path, 'utf8');
  let origin: unknown;
  try {
    ({ origin } = JSON.parse(text) as { origin?: unknown });
  } catch {
    // Damaged: it names none.
  }
  if (typeof origin !== 'string') throw new Error(`${path} names no origin`);
  return origin;
}
