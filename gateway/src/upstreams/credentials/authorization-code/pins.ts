/**
 * Which authorization server each server was first seen with. A server that names another one later gets no credential
 * until an operator agrees: whoever takes over a server would send its users to a login page of their own.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

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

/** `undefined` when nobody has connected an account there yet. */
export function readPin(data: string, server: string): IssuerPin | undefined {
  try {
    return JSON.parse(readFileSync(pathOf(data, server), 'utf8')) as IssuerPin;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** In one step: whoever reads meanwhile gets the old pin or the new one. */
export function writePin(data: string, server: string, pin: IssuerPin): void {
  mkdirSync(join(data, 'issuers'), { recursive: true, mode: 0o700 });
  const path = pathOf(data, server);
  const draft = `${path}.${process.pid}.new`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeSync(file, JSON.stringify(pin));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}
