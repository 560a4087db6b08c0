/** Files that the process may open: each connection is one. */
import { readFileSync } from 'node:fs';

/** Where the system does not say. */
const assumedFiles = 1_024;

/** The soft limit on open files, which Node has raised as far as it may (Linux; elsewhere the usual one). */
function maxFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    if (soft === 'unlimited') return Number.POSITIVE_INFINITY;
    return soft === undefined ? assumedFiles : Number(soft);
  } catch {
    return assumedFiles;
  }
}

/** `share`: the part of the files that the process may open. */
export function maxConnectionsWithin(bound: number, share: number): number {
  return Math.max(1, Math.min(bound, Math.floor(maxFiles() * share)));
}
