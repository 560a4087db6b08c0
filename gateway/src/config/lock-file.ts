/** The lock file: approved definitions by digest, beside the configuration, made for review in version control. */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { type PinnedKind, pinnedKinds } from '../protocol/pinned-kinds.ts';
import { type Tier, tier } from './schema/servers.ts';

export const lockFileName = 'sallyport.lock.yaml';

const maxBytes = 64 * 1024 * 1024;

const stanza = z.strictObject({
  tier: tier.optional(),
  digest: z.union([digest(), z.array(digest()).min(1).max(100)]),
  approvedBy: z.string().max(256).optional(),
  date: z.string().max(32).optional(),
  reason: z.string().max(1_024).optional(),
});

const lockFile = z.strictObject({
  version: z.literal(1),
  servers: z.record(
    z.string().max(128),
    z.strictObject(
      Object.fromEntries(
        pinnedKinds.map((kind) => [kind, z.record(z.string().max(1_024), stanza).optional()]),
      ) as Record<PinnedKind, z.ZodOptional<z.ZodRecord<z.ZodString, typeof stanza>>>,
    ),
  ),
});

function digest(): z.ZodString {
  return z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');
}

export interface LockEntry {
  readonly server: string;
  readonly kind: PinnedKind;
  readonly name: string;
  readonly digests: readonly string[];
  /** Of a tool: what it was when the file was written. Nothing is decided by it. */
  readonly tier?: Tier;
  readonly approvedBy?: string;
  /** `YYYY-MM-DD` */
  readonly date?: string;
  readonly reason?: string;
}

export interface Lock {
  has(server: string, kind: PinnedKind, name: string, digest: string): boolean;
  readonly entries: readonly LockEntry[];
}

export type ReadLock =
  | { readonly ok: true; readonly entries: readonly LockEntry[] }
  | { readonly ok: false; readonly isMissing: boolean; readonly problem: string };

export function readLock(path: string): ReadLock {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { ok: false, isMissing, problem: isMissing ? `there is no ${path}` : (error as Error).message };
  }
  if (text.length > maxBytes)
    return { ok: false, isMissing: false, problem: `${path} is larger than ${maxBytes} bytes` };
  const value = valueOf(text);
  if (!value.ok) return { ok: false, isMissing: false, problem: `${path}: ${value.problem}` };
  const parsed = lockFile.safeParse(value.value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, isMissing: false, problem: `${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}` };
  }
  const entries = Object.entries(parsed.data.servers).flatMap(([server, kinds]) =>
    pinnedKinds.flatMap((kind) =>
      Object.entries(kinds[kind] ?? {}).map(
        ([name, { digest: digests, ...rest }]): LockEntry => ({
          server,
          kind,
          name,
          digests: typeof digests === 'string' ? [digests] : digests,
          ...(rest.tier !== undefined && { tier: rest.tier }),
          ...(rest.approvedBy !== undefined && { approvedBy: rest.approvedBy }),
          ...(rest.date !== undefined && { date: rest.date }),
          ...(rest.reason !== undefined && { reason: rest.reason }),
        }),
      ),
    ),
  );
  return { ok: true, entries };
}

function valueOf(
  text: string,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string } {
  try {
    const document = parseDocument(text, { uniqueKeys: true });
    const [fault] = document.errors;
    if (fault !== undefined) return { ok: false, problem: fault.message.split('\n', 1)[0] ?? '' };
    return { ok: true, value: document.toJS({ maxAliasCount: 0 }) };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : 'it cannot be read' };
  }
}

export function lockOf(entries: readonly LockEntry[]): Lock {
  const known = new Set(
    entries.flatMap(({ server, kind, name, digests }) => digests.map((each) => key(server, kind, name, each))),
  );
  return { entries, has: (server, kind, name, each) => known.has(key(server, kind, name, each)) };
}

function key(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}

/** One short stanza for each definition, in a stable order, so that two branches merge line by line. */
export function lockText(entries: readonly LockEntry[]): string {
  const lines = [
    '# Written by `sallyport pins lock`, and held by `pins: { mode: lock }`. Review it like code.',
    'version: 1',
    entries.length === 0 ? 'servers: {}' : 'servers:',
  ];
  const sorted = entries.toSorted(
    (a, b) =>
      compare(a.server, b.server) ||
      pinnedKinds.indexOf(a.kind) - pinnedKinds.indexOf(b.kind) ||
      compare(a.name, b.name),
  );
  let [server, kind]: (string | undefined)[] = [];
  for (const entry of sorted) {
    if (entry.server !== server) lines.push(`  ${quoted(entry.server)}:`);
    if (entry.server !== server || entry.kind !== kind) lines.push(`    ${entry.kind}:`);
    ({ server, kind } = entry);
    const { digests, tier: ofTool, approvedBy, date, reason } = entry;
    const [only] = digests;
    lines.push(`      ${quoted(entry.name)}:`);
    if (ofTool !== undefined) lines.push(`        tier: ${ofTool}`);
    if (digests.length === 1) lines.push(`        digest: ${only}`);
    else lines.push('        digest:', ...digests.toSorted().map((each) => `          - ${each}`));
    if (approvedBy !== undefined) lines.push(`        approvedBy: ${quoted(approvedBy)}`);
    if (date !== undefined) lines.push(`        date: ${quoted(date)}`);
    if (reason !== undefined) lines.push(`        reason: ${quoted(reason)}`);
  }
  return `${lines.join('\n')}\n`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A JSON text is a YAML text; plain names stay readable. */
function quoted(text: string): string {
  const isPlain = /^[A-Za-z][A-Za-z0-9_-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}
