/**
 * Secrets at rest: each in a file of its own, under a data key of its own that a key provider wraps. A file says nothing
 * without the provider, and opens under no other name than its own.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { KeyProvider } from './providers/contract.ts';

export const secretName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;
export const longestSecret = 64 * 1024;

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

/** Whether there is such a secret, without a key to open it. */
export function isKept(data: string, name: string): boolean {
  return secretName.test(name) && existsSync(join(data, 'secrets', `${name}.json`));
}

/** Which edition of each secret is kept now, without a key to open any. */
export function editionsOf(data: string): ReadonlyMap<string, string> {
  const folder = join(data, 'secrets');
  const editions = new Map<string, string>();
  for (const name of namesIn(folder)) {
    const edition = readKept(folder, name)?.edition;
    if (edition !== undefined) editions.set(name, edition);
  }
  return editions;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -5))
      .filter((name) => secretName.test(name))
      .toSorted((a, b) => (a < b ? -1 : 1));
  } catch {
    return [];
  }
}

function readKept(folder: string, name: string): Envelope | undefined {
  if (!secretName.test(name)) return undefined;
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Envelope;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
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
    return this.#read(name) !== undefined;
  }

  /** Writes a secret, or its next value. The old value is gone when this resolves. */
  async put(name: string, value: string, now: number): Promise<void> {
    const dataKey = randomBytes(32);
    const wrapped = await this.#provider.wrap(dataKey, this.#contextOf(name));
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', dataKey, nonce).setAAD(Buffer.from(this.#contextOf(name)));
    const sealed = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    dataKey.fill(0);
    this.#write(name, {
      version: 1,
      provider: this.#provider.id,
      wrapped,
      sealed: sealed.toString('base64'),
      createdAt: this.#read(name)?.createdAt ?? now,
      rotatedAt: now,
      edition: randomBytes(9).toString('base64url'),
    });
  }

  /** `undefined` when there is no such secret. Throws when it cannot be opened. */
  async get(name: string): Promise<string | undefined> {
    const kept = this.#read(name);
    if (kept === undefined) return undefined;
    const dataKey = await this.#unwrap(name, kept);
    const bytes = Buffer.from(kept.sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', dataKey, bytes.subarray(0, 12)).setAAD(
      Buffer.from(this.#contextOf(name)),
    );
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8');
  }

  edition(name: string): string | undefined {
    return this.#read(name)?.edition;
  }

  list(): readonly SecretFacts[] {
    return namesIn(this.#folder).flatMap((name) => {
      const kept = this.#read(name);
      if (kept === undefined) return [];
      const { provider, createdAt, rotatedAt } = kept;
      return [{ name, provider, createdAt, rotatedAt }];
    });
  }

  remove(name: string): boolean {
    if (!this.has(name)) return false;
    rmSync(this.pathOf(name));
    return true;
  }

  /** Wraps every data key anew: after a rotation of the provider's key, or from another provider. Values are not touched. */
  async rewrap(from: KeyProvider = this.#provider): Promise<number> {
    let count = 0;
    for (const name of namesIn(this.#folder)) {
      const kept = this.#read(name);
      if (kept === undefined) continue;
      const dataKey = await from.unwrap(kept.wrapped, this.#contextOf(name));
      this.#write(name, {
        ...kept,
        provider: this.#provider.id,
        wrapped: await this.#provider.wrap(dataKey, this.#contextOf(name)),
      });
      dataKey.fill(0);
      count += 1;
    }
    return count;
  }

  #unwrap(name: string, kept: Envelope): Promise<Buffer> {
    if (kept.provider !== this.#provider.id)
      throw new Error(`it was sealed with the provider ${kept.provider}, and ${this.#provider.id} is configured`);
    return this.#provider.unwrap(kept.wrapped, this.#contextOf(name));
  }

  #contextOf(name: string): string {
    return `${this.#kind} ${name}`;
  }

  #read(name: string): Envelope | undefined {
    return readKept(this.#folder, name);
  }

  /** In one step: whoever reads meanwhile gets the old file or the new one. */
  #write(name: string, kept: Envelope): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const draft = `${this.pathOf(name)}.${process.pid}.new`;
    const file = openSync(draft, 'w', 0o600);
    try {
      writeSync(file, JSON.stringify(kept));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, this.pathOf(name));
    // The new name itself must survive a loss of power as well.
    const folder = openSync(this.#folder, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }
}
