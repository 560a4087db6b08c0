/** How credentials are, for commands beside the gateway: states and times in a file, nothing of the credentials. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CredentialReport } from './index.ts';

type Reports = Readonly<Record<string, readonly CredentialReport[]>>;

function pathIn(data: string): string {
  return join(data, 'credentials.json');
}

export function writeCredentialReport(data: string, report: string): void {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const path = pathIn(data);
  writeFileSync(`${path}.new`, report, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Empty when no gateway has run here. */
export function readCredentialReport(data: string): Reports {
  try {
    return JSON.parse(readFileSync(pathIn(data), 'utf8')) as Reports;
  } catch {
    return {};
  }
}
