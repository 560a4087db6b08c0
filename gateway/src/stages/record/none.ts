/** The audit contract without a log behind it: for tools that carry no calls of others. */
import type { AuditLog } from '../../pipeline/contracts/audit.ts';

export const noAudit: AuditLog = {
  intend: () => undefined,
  end: () => undefined,
  asked: () => {},
  rejected: () => {},
  note: () => {},
  record: () => Promise.resolve(),
  health: () => ({ ok: true }),
  close: () => Promise.resolve(),
};
