/** From the configuration to the log of this process. */
import { join } from 'node:path';
import type { Configuration } from '../../config/schema/index.ts';
import { type GatewayAuditLog, openAuditLog } from './audit-log.ts';
import { noAudit } from './none.ts';
import { type RunningIndex, startIndex } from './search-index/start.ts';
import type { AuditSettings, RetentionSettings } from './settings.ts';
import type { KeyPlaces } from './writer/protocol.ts';

export function auditSettings({ audit }: Configuration): AuditSettings {
  const { enabled, durability, onFailure, capture, queue, index, anchors } = audit;
  const { connections, limit, ...tiers } = capture;
  const ages = Object.entries(audit.retention).filter(([, age]) => age !== undefined);
  const retention: RetentionSettings = Object.fromEntries(ages);
  return { enabled, durability, onFailure, capture: { tiers, connections, limit }, queue, index, anchors, retention };
}

/** `log` is the log of `serve`. */
export function logFolder(data: string, name: string): string {
  return join(data, name);
}

/** Keys are not in the folder of the log, so that it can be handed out as it is. */
export function keyPlaces(data: string, name: string, signingPem?: string): KeyPlaces {
  const path = (key: string) => join(data, 'keys', `${name}-${key}`);
  const places = { signing: path('signing.pem'), wrapping: path('wrapping'), subjects: path('subjects') };
  return signingPem === undefined ? places : { ...places, signingPem };
}

export function indexPath(data: string, name: string): string {
  return join(data, 'index', `${name}.db`);
}

/** Logs of stdio gateways that may run beside `serve` and beside each other. */
const maxStdioLogs = 32;

export interface OpenOptions {
  readonly configuration: Configuration;
  readonly master: Buffer;
  readonly role: 'serve' | 'stdio';
  readonly onHealth: (problem: string | undefined) => void;
  /** Told of what goes wrong beside the log: an anchor that does not answer, an index that stops. */
  readonly onTrouble: (problem: string) => void;
}

export type OpenResult =
  | { readonly ok: true; readonly log: Omit<GatewayAuditLog, 'origin' | 'key'> }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

export async function openAudit({
  configuration,
  master,
  role,
  onHealth,
  onTrouble,
}: OpenOptions): Promise<OpenResult> {
  const settings = auditSettings(configuration);
  if (!settings.enabled)
    return { ok: true, log: { ...noAudit, served: Number.POSITIVE_INFINITY, configure: () => {} } };
  const names = role === 'serve' ? ['log'] : Array.from({ length: maxStdioLogs }, (_, n) => `log-stdio-${n + 1}`);
  for (const [index, name] of names.entries()) {
    const { data } = configuration;
    const keys = keyPlaces(data, name, configuration.audit.keys.signing);
    const start = { folder: logFolder(data, name), keys, master, settings };
    const opened = await openAuditLog({ ...start, onHealth, onTrouble });
    if (opened.ok) {
      const indexing = settings.index ? startIndex({ ...start, path: indexPath(data, name) }, onTrouble) : undefined;
      return { ok: true, log: withIndex(opened.value, indexing) };
    }
    if (!opened.locked || index === names.length - 1) return opened;
  }
  return { ok: false, problem: 'no log', remedy: '' };
}

function withIndex(log: GatewayAuditLog, index: RunningIndex | undefined): Omit<GatewayAuditLog, 'origin' | 'key'> {
  return {
    served: log.served,
    intend: (facts) => log.intend(facts),
    end: (facts, end, intended) => log.end(facts, end, intended),
    asked: (facts, end) => log.asked(facts, end),
    rejected: (rejection) => log.rejected(rejection),
    note: (event) => log.note(event),
    record: (event) => log.record(event),
    health: () => log.health(),
    configure: (settings) => log.configure(settings),
    async close() {
      await index?.close();
      await log.close();
    },
  };
}
