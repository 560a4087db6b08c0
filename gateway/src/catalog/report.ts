/** What of the tools of each server cannot be used, for commands beside the gateway. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, type Json, parseJson } from '../protocol/json.ts';
import { readRegularSync } from '../stores/regular-file.ts';
import { writeWhole } from '../stores/whole-file.ts';
import type { NamedVerdict } from './tools.ts';

/** By server. */
export type ToolReport = Readonly<Record<string, readonly NamedVerdict[]>>;

function pathIn(data: string): string {
  return join(data, 'tools.json');
}

export function writeToolReport(data: string, report: ToolReport): void {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeWhole(pathIn(data), JSON.stringify(report), { durability: 'soon' });
}

/** Bytes. */
const maxReportBytes = 16 * 1024 ** 2;

/** What the gateway found when it last read the tools of this server; empty when no gateway has run here. */
export function readToolReport(data: string, server: string): readonly NamedVerdict[] {
  const read = readRegularSync(pathIn(data), maxReportBytes);
  const parsed = read.ok ? parseJson(read.bytes, { depth: 8, values: 1_000_000, keys: 100_000 }) : undefined;
  const found = parsed?.ok === true && isObject(parsed.value) ? parsed.value : {};
  const list = Object.hasOwn(found, server) ? found[server] : undefined;
  return Array.isArray(list) ? (list as readonly Json[]).flatMap(verdictOf) : [];
}

function verdictOf(value: Json): NamedVerdict[] {
  if (!isObject(value) || typeof value.tool !== 'string') return [];
  const notes = Array.isArray(value.notes)
    ? (value.notes as readonly Json[]).filter((note) => typeof note === 'string')
    : [];
  return [{ tool: value.tool, notes, ...(typeof value.problem === 'string' ? { problem: value.problem } : {}) }];
}

/** One line about a tool. */
export function verdictText({ problem, notes }: NamedVerdict): string {
  return problem === undefined ? notes.join('; ') : `left out: ${problem}`;
}
