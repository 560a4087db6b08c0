/** What the evidence log costs and how fast it is read:   npm run bench -- --audit [--quick] */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { table } from '../table.ts';
import { syncTimes } from './disk.ts';
import { reading, verification } from './reading.ts';
import { type AuditRow, ms, row } from './row.ts';
import { writing } from './writing.ts';

export async function runAudit({ quick }: { readonly quick: boolean }): Promise<readonly AuditRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-audit-'));
  try {
    const syncs = quick ? 200 : 1_000;
    const sync = syncTimes(folder, syncs, 2_048);
    const overZeros = syncTimes(folder, syncs, 2_048, 'zeros');
    const written = await writing(join(folder, 'written'), quick ? 20_000 : 200_000, sync);
    const checked = verification(join(folder, 'written', 'log'));
    const large = await reading(join(folder, 'large'), quick ? 100_000 : 5_000_000);
    return [
      row('fdatasync of a file that grows, p50 / p99', `${ms(sync.p50)} / ${ms(sync.p99)}`, ''),
      row('fdatasync in the place of zeros, p50 / p99', `${ms(overZeros.p50)} / ${ms(overZeros.p99)}`, ''),
      ...written,
      ...checked,
      ...large,
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function auditTable(rows: readonly AuditRow[]): string {
  return table(
    ['evidence log', 'measured', 'wanted'],
    rows.map(({ what, value, wanted }) => [what, value, wanted]),
  );
}
