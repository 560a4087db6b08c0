/**
 * Secrets at rest: each in a file of its own, under a data key of its own that a key provider wraps. A file says nothing
 * without the provider, and opens under no other name than its own.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../protocol/result.ts';
import { readRegularSync } from '../stores/regular-file.ts';
import { writeWhole } from '../stores/whole-file.ts';
import type { KeyProvider } from './providers/contract.ts';

export const secretName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
export const maxSecretBytes = 64 * 1024;

interface Envelope {
  readonly version: 1;
  readonly provider: string;
  readonly wrapped: string;
  readonly sealed: string;
  readonly createdAt: number;
  readonly rotatedAt: number;
  /** Differs after each rotation. */
  readonly edition: string;
}

export interface SecretFacts {
  readonly name: string;
  readonly provider: string;
  readonly createdAt: number;
  readonly rotatedAt: number;
}

/** An item whose file is not what was written. It can be replaced and removed like any other. */
export interface DamagedSecret {
  readonly name: string;
  readonly damaged: string;
}

export interface Rewrapped {
  readonly count: number;
  /** Those that stay as they were, each with the reason. */
  readonly failed: readonly DamagedSecret[];
}

/** Said, as a text that is too short would else be taken for one with a shorter tag, which is easier to guess. */
const tag = { authTagLength: 16 };

/** Bytes: a sealed secret in base64, and a wrapped key of any provider. */
const maxEnvelopeBytes = 256 * 1024;

/** Whether there is such a secret, without a key to open it. */
export function isKept(data: string, name: string): boolean {
  return isThere(join(data, 'secrets'), name);
}

/** Which edition of each secret is kept now, without a key to open any; `undefined` of one that is damaged. */
export function editionsOf(data: string): ReadonlyMap<string, string | undefined> {
  const folder = join(data, 'secrets');
  const editions = new Map<string, string | undefined>();
  for (const name of namesIn(folder)) {
    const kept = readKept(folder, name);
    if (kept !== undefined) editions.set(name, typeof kept === 'string' ? undefined : kept.edition);
  }
  return editions;
}

/** Whatever lies there: it has the name, damaged or not. */
function isThere(folder: string, name: string): boolean {
  return secretName.test(name) && lstatSync(join(folder, `${name}.json`), { throwIfNoEntry: false }) !== undefined;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -5))
      .filter((name) => secretName.test(name))
      .toSorted((a, b) => (a < b ? -1 : 1));
  } catch (error) {
    // Made with the first secret.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A text says what is wrong with a file that is there. */
function readKept(folder: string, name: string): Envelope | string | undefined {
  if (!secretName.test(name)) return undefined;
  const read = readRegularSync(join(folder, `${name}.json`), maxEnvelopeBytes);
  if (read.ok) return envelopeIn(read.bytes.toString('utf8')) ?? 'it is not what was written';
  return read.why === 'missing' ? undefined : read.problem;
}

function envelopeIn(text: string): Envelope | undefined {
  let found: Partial<Envelope> | null;
  try {
    found = JSON.parse(text) as Partial<Envelope> | null;
  } catch {
    return undefined;
  }
  const texts = [found?.provider, found?.wrapped, found?.sealed, found?.edition];
  const times = [found?.createdAt, found?.rotatedAt];
  const isWhole =
    found?.version === 1 &&
    texts.every((each) => typeof each === 'string') &&
    times.every((each) => Number.isSafeInteger(each) && Math.abs(Number(each)) <= 8.64e15);
  return isWhole ? (found as Envelope) : undefined;
}

/** What a store holds: each kind has a folder of its own, and opens as nothing else. */
export type Kept = 'secret' | 'account';
const folders = { secret: 'secrets', account: 'accounts' } as const;

export class SecretStore {
  readonly #folder: string;
  readonly #kind: Kept;
  readonly #provider: KeyProvider;

  constructor(data: string, provider: KeyProvider, kind: Kept = 'secret') {
    this.#folder = join(data, folders[kind]);
    this.#kind = kind;
    this.#provider = provider;
  }

  pathOf(name: string): string {
    return join(this.#folder, `${name}.json`);
  }

  has(name: string): boolean {
    return isThere(this.#folder, name);
  }

  /** Keeps a new secret. False when there is one of the name; of several that are put at once, one is kept. */
  async add(name: string, value: string, now: number): Promise<boolean> {
    try {
      this.#write(name, await this.#seal(name, value, now, now), 'absent');
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  /** Writes a secret, or its next value. The old value is gone when this resolves, and still there when it rejects. */
  async put(name: string, value: string, now: number): Promise<void> {
    const kept = readKept(this.#folder, name);
    const createdAt = kept === undefined || typeof kept === 'string' ? now : kept.createdAt;
    this.#write(name, await this.#seal(name, value, createdAt, now), 'replace');
  }

  async #seal(name: string, value: string, createdAt: number, now: number): Promise<Envelope> {
    const dataKey = randomBytes(32);
    const wrapped = await this.#provider.wrap(dataKey, this.#contextOf(name));
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', dataKey, nonce).setAAD(Buffer.from(this.#contextOf(name)));
    const sealed = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    dataKey.fill(0);
    return {
      version: 1,
      provider: this.#provider.id,
      wrapped,
      sealed: sealed.toString('base64'),
      createdAt,
      rotatedAt: now,
      edition: randomBytes(9).toString('base64url'),
    };
  }

  /** `undefined` when there is no such secret. Throws when it cannot be opened. */
  async get(name: string): Promise<string | undefined> {
    const kept = this.#read(name);
    if (kept === undefined) return undefined;
    const dataKey = await this.#unwrap(name, kept);
    const bytes = Buffer.from(kept.sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', dataKey, bytes.subarray(0, 12), tag).setAAD(
      Buffer.from(this.#contextOf(name)),
    );
    decipher.setAuthTag(bytes.subarray(-16));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8');
    } catch {
      throw new Error(`${this.pathOf(name)} does not open: it was changed, or belongs to another gateway`);
    }
  }

  edition(name: string): string | undefined {
    const kept = readKept(this.#folder, name);
    return typeof kept === 'string' ? undefined : kept?.edition;
  }

  /** One that is damaged never hides the others. */
  list(): readonly (SecretFacts | DamagedSecret)[] {
    return namesIn(this.#folder).flatMap((name): (SecretFacts | DamagedSecret)[] => {
      const kept = readKept(this.#folder, name);
      if (kept === undefined) return [];
      if (typeof kept === 'string') return [{ name, damaged: kept }];
      const { provider, createdAt, rotatedAt } = kept;
      return [{ name, provider, createdAt, rotatedAt }];
    });
  }

  remove(name: string): boolean {
    if (!this.has(name)) return false;
    rmSync(this.pathOf(name), { recursive: true });
    return true;
  }

  /** Wraps every data key anew: after a rotation of the provider's key, or from another provider. Values are not touched. */
  async rewrap(from: KeyProvider = this.#provider): Promise<Rewrapped> {
    let count = 0;
    const failed: DamagedSecret[] = [];
    for (const name of namesIn(this.#folder))
      try {
        if (await this.#rewrapOne(name, from)) count += 1;
      } catch (error) {
        failed.push({ name, damaged: messageOf(error) });
      }
    return { count, failed };
  }

  async #rewrapOne(name: string, from: KeyProvider): Promise<boolean> {
    const kept = this.#read(name);
    if (kept === undefined) return false;
    const dataKey = await from.unwrap(kept.wrapped, this.#contextOf(name));
    const wrapped = await this.#provider.wrap(dataKey, this.#contextOf(name));
    dataKey.fill(0);
    this.#write(name, { ...kept, provider: this.#provider.id, wrapped }, 'replace');
    return true;
  }

  #unwrap(name: string, kept: Envelope): Promise<Buffer> {
    if (kept.provider !== this.#provider.id)
      throw new Error(`it was sealed with the provider ${kept.provider}, and ${this.#provider.id} is configured`);
    return this.#provider.unwrap(kept.wrapped, this.#contextOf(name));
  }

  #contextOf(name: string): string {
    return `${this.#kind} ${name}`;
  }

  /** Throws when it is damaged. */
  #read(name: string): Envelope | undefined {
    const kept = readKept(this.#folder, name);
    if (typeof kept === 'string') throw new Error(`${this.pathOf(name)} is damaged: ${kept}`);
    return kept;
  }

  /** Writes the file atomically: a concurrent reader gets the old one or the new one. */
  #write(name: string, kept: Envelope, when: 'replace' | 'absent'): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeWhole(this.pathOf(name), JSON.stringify(kept), { when });
  }
}
