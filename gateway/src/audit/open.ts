/** From the configuration to the log of this process. */
import { join } from 'node:path';
import type { Configuration } from '../config/schema/index.ts';
import { type GatewayAuditLog, openAuditLog } from './audit-log.ts';
import { noAudit } from './none.ts';
import type { AuditSettings } from './settings.ts';
import type { KeyPlaces } from './writer/protocol.ts';

export function auditSettings({ audit }: Configuration): AuditSettings {
  const { enabled, durability, onFailure, capture, queue } = audit;
  const { connections, limit, ...tiers } = capture;
  return { enabled, durability, onFailure, capture: { tiers, connections, limit }, queue };
}

/** `log` is the log of `serve`. */
export function logFolder(data: string, name: string): string {
  return join(data, name);
}

/** Keys are not in the folder of the log, so that it can be handed out as it is. */
export function keyPlaces(data: string, name: string): KeyPlaces {
  const path = (key: string) => join(data, 'keys', `${name}-${key}`);
  return { signing: path('signing.pem'), wrapping: path('wrapping'), subjects: path('subjects') };
}

/** Logs of stdio gateways that may run beside `serve` and beside each other. */
const mostStdioLogs = 32;

export interface OpenOptions {
  readonly configuration: Configuration;
  readonly master: Buffer;
  readonly role: 'serve' | 'stdio';
  readonly onHealth: (problem: string | undefined) => void;
}

export type OpenResult =
  | { readonly ok: true; readonly log: Omit<GatewayAuditLog, 'origin' | 'key'> }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

export async function openAudit({ configuration, master, role, onHealth }: OpenOptions): Promise<OpenResult> {
  const settings = auditSettings(configuration);
  if (!settings.enabled) return { ok: true, log: { ...noAudit, configure: () => {} } };
  const names = role === 'serve' ? ['log'] : Array.from({ length: mostStdioLogs }, (_, n) => `log-stdio-${n + 1}`);
  for (const [index, name] of names.entries()) {
    const { data } = configuration;
    const start = { folder: logFolder(data, name), keys: keyPlaces(data, name), master, settings };
    const opened = await openAuditLog({ ...start, onHealth });
    if (opened.ok) return { ok: true, log: opened.value };
    if (!opened.locked || index === names.length - 1) return opened;
  }
  return { ok: false, problem: 'no log', remedy: '' };
}
