/** The version that a legacy session speaks. */
import type { JsonObject } from './json.ts';
import { isLegacyVersion, newestLegacyVersion } from './versions.ts';

/** The client's version where the gateway speaks it, else the newest that it speaks (2025-11-25, lifecycle). */
export function agreedVersion(params: JsonObject): string {
  const { protocolVersion } = params;
  return typeof protocolVersion === 'string' && isLegacyVersion(protocolVersion)
    ? protocolVersion
    : newestLegacyVersion;
}
