/** How credentials are, for commands beside the gateway: states and times in a file, nothing of the credentials. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularSync } from '../../stores/regular-file.ts';
import { writeWhole } from '../../stores/whole-file.ts';
import type { CredentialReport } from './index.ts';

type Reports = Readonly<Record<string, readonly CredentialReport[]>>;

function pathIn(data: string): string {
  return join(data, 'credentials.json');
}

export function writeCredentialReport(data: string, report: string): void {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeWhole(pathIn(data), report, { durability: 'soon' });
}

/** Bytes. */
const maxReportBytes = 64 * 1024 ** 2;

/** Empty when no gateway has run here. */
export function readCredentialReport(data: string): Reports {
  const read = readRegularSync(pathIn(data), maxReportBytes);
  try {
    const found = read.ok ? (JSON.parse(read.bytes.toString('utf8')) as unknown) : undefined;
    return typeof found === 'object' && found !== null ? (found as Reports) : {};
  } catch {
    // Damaged: the next report takes its place.
    return {};
  }
}
