/**
 * Which authorization server each server was first seen with. A server that names another one later gets no credential
 * until an operator agrees: a server that was taken over would send its users to a login page of the attacker.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularSync } from '../../../stores/regular-file.ts';
import { writeWhole } from '../../../stores/whole-file.ts';

export interface IssuerPin {
  /** Of the server. */
  readonly url: string;
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** What the server names instead, until an operator agrees. */
  readonly named?: string;
}

function pathOf(data: string, server: string): string {
  return join(data, 'issuers', `${server}.json`);
}

/** Bytes; ours are below a thousand. */
const maxPinBytes = 64 * 1024;

function pinIn(text: string, path: string): IssuerPin {
  let pin: Partial<IssuerPin> | null = null;
  try {
    pin = JSON.parse(text) as Partial<IssuerPin> | null;
  } catch {
    // Said below, without the text.
  }
  if (typeof pin?.url === 'string' && typeof pin.issuer === 'string' && typeof pin.since === 'number')
    return { ...pin, url: pin.url, issuer: pin.issuer, since: pin.since };
  throw new Error(`${path} is damaged: restore it from a backup, or agree anew with sallyport server agree`);
}

/** `undefined` when no account is connected there yet. */
export function readPin(data: string, server: string): IssuerPin | undefined {
  const path = pathOf(data, server);
  const read = readRegularSync(path, maxPinBytes);
  if (read.ok) return pinIn(read.bytes.toString('utf8'), path);
  if (read.why === 'missing') return undefined;
  throw new Error(`${path} cannot be read: ${read.problem}`);
}

/** Replaces the pin atomically: a concurrent reader gets the old one or the new one. */
export function writePin(data: string, server: string, pin: IssuerPin): void {
  mkdirSync(join(data, 'issuers'), { recursive: true, mode: 0o700 });
  writeWhole(pathOf(data, server), JSON.stringify(pin));
}
