/** The log that is measured, and the call that it records. */

import type { ExchangeEnd, ExchangeFacts } from '../../gateway/src/pipeline/contracts/audit.ts';
import type { Caller } from '../../gateway/src/pipeline/contracts/caller.ts';
import type { AuditSettings } from '../../gateway/src/stages/record/settings.ts';

export const master = Buffer.alloc(32, 7);
export const settings: AuditSettings = {
  enabled: true,
  durability: 'before-reply',
  onFailure: { read: 'refuse', write: 'refuse', destructive: 'refuse' },
  capture: { tiers: { read: 'full', write: 'full', destructive: 'full' }, connections: {}, limit: 65_536 },
  retention: {},
  anchors: { every: 3_600_000, files: [], urls: [], witnesses: [], timestamps: [] },
  index: false,
  queue: { records: 65_536, bytes: 64 * 1024 * 1024 },
};

const caller: Caller = {
  user: 'dana',
  agent: 'bench',
  roles: [],
  scopes: [],
  claims: {},
  attributes: {},
  trust: 'standard',
  credential: { kind: 'api-key', id: 'key_bench' },
  key: 'user:dana agent:bench',
};
/** 1 KiB of arguments and 1 KiB of result, kept in full. */
const args = { table: 'projects', limit: 100, text: 'x'.repeat(970) };
const resultText = JSON.stringify({ content: [{ type: 'text', text: 'y'.repeat(970) }] });

export function facts(id: string): ExchangeFacts {
  return {
    id,
    at: Date.now(),
    revision: 'f'.repeat(64),
    direction: 'client-to-server',
    transport: 'http',
    era: 'modern',
    method: 'tools/call',
    address: '127.0.0.1',
    caller,
    client: { name: 'bench', version: '1' },
    server: 'bench',
    connections: ['bench'],
    capability: { type: 'tool', name: 'query_data' },
    tier: 'read',
    definition: 'd'.repeat(64),
    arguments: args,
    decision: {
      effect: 'allow',
      reason: 'rule',
      rule: { connection: 'bench', place: 'sallyport.yaml:30:9', text: 'allow * when args.limit <= 100' },
      errors: [],
    },
    bytesIn: 1_200,
  };
}

export function end(): ExchangeEnd {
  return { at: Date.now(), outcome: 'answered', resultText, latency: 300, bytesOut: resultText.length };
}
