/** A line of the table, and what its numbers are made of. */
import { rounded } from '../table.ts';

export interface AuditRow {
  readonly what: string;
  readonly value: string;
  readonly wanted: string;
}

export function row(what: string, value: string, wanted: string): AuditRow {
  return { what, value, wanted };
}

export function ms(value: number): string {
  return `${rounded(value, 2)} ms`;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export function quantiles(times: readonly number[]): Quantiles {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
