/** A log that a test writes by itself, without a gateway and without a thread. */
import { join } from 'node:path';
import type { ExchangeEnd, ExchangeFacts } from '../../src/pipeline/contracts/audit.ts';
import type { Caller } from '../../src/pipeline/contracts/caller.ts';
import type { Disk } from '../../src/stages/record/log/disk.ts';
import { keyPlaces } from '../../src/stages/record/open.ts';
import { intentMessage, type Message, outcomeMessage } from '../../src/stages/record/record/message.ts';
import type { CaptureSettings } from '../../src/stages/record/settings.ts';
import { type OpenedWriter, openWriter } from '../../src/stages/record/writer/open.ts';
import { temporaryFolder } from './folder.ts';

export const master = Buffer.alloc(32, 7);

export const fullCapture: CaptureSettings = {
  tiers: { read: 'full', write: 'full', destructive: 'full' },
  connections: {},
  limit: 65_536,
};

export function callerNamed(user: string): Caller {
  return {
    user,
    roles: [],
    scopes: [],
    claims: {},
    attributes: {},
    trust: 'standard',
    credential: { kind: 'api-key', id: `key_${user}` },
    key: `user:${user}`,
  };
}

export function factsOf(id: string, user: string, at = Date.now()): ExchangeFacts {
  return {
    id,
    at,
    revision: 'f'.repeat(64),
    direction: 'client-to-server',
    transport: 'http',
    era: 'modern',
    method: 'tools/call',
    address: '192.0.2.7',
    caller: callerNamed(user),
    server: 'notes',
    connections: ['notes'],
    capability: { type: 'tool', name: 'take' },
    tier: 'read',
    definition: 'd'.repeat(64),
    arguments: { note: `${id} of ${user}` },
    decision: { effect: 'allow', reason: 'rule', errors: [] },
    bytesIn: 100,
  };
}

export function endOf(at = Date.now()): ExchangeEnd {
  return { at, outcome: 'answered', resultText: '{"content":[]}', latency: 300, bytesOut: 14 };
}

/** Intent and outcome of one call. */
export function callOf(id: string, user: string): Message[] {
  const facts = factsOf(id, user);
  return [intentMessage(facts), outcomeMessage(facts, endOf())];
}

export function temporaryData(): string {
  return temporaryFolder('audit');
}

export interface TestLog extends OpenedWriter {
  readonly data: string;
  readonly folder: string;
}

export async function openTestLog(
  data: string,
  { disk, now }: { disk?: Disk; now?: () => number } = {},
): Promise<TestLog> {
  const folder = join(data, 'log');
  const opened = await openWriter({
    folder,
    keys: keyPlaces(data, 'log'),
    master,
    ...(disk && { disk }),
    ...(now && { now }),
  });
  if (!opened.ok) throw new Error(`${opened.problem}: ${opened.remedy}`);
  return { ...opened.value, data, folder };
}

export async function closeTestLog({ writer, release }: OpenedWriter): Promise<void> {
  await writer.close();
  release();
}
