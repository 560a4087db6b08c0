/** Protocol revisions and the two eras they belong to. */

/** `legacy`: 2024-11-05 to 2025-11-25, with initialize and sessions. `modern`: 2026-07-28, stateless. */
export type Era = 'legacy' | 'modern';

export const modernVersion = '2026-07-28';
export const modernVersions: readonly string[] = [modernVersion];

/** Newest first. */
export const legacyVersions: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
export const newestLegacyVersion = '2025-11-25';

/** The one revision that has JSON-RPC batches, and what a request without a version header counts as. */
export const batchVersion = '2025-03-26';

export function isModernVersion(version: string): boolean {
  return modernVersions.includes(version);
}

export function isLegacyVersion(version: string): boolean {
  return legacyVersions.includes(version);
}
