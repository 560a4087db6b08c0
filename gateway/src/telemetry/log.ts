/** The operator's log: JSON lines on stderr, with correlation ids and without secrets. */
import { pino } from 'pino';
import { shown } from '../protocol/shown.ts';

export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export const logLevelNames = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevelNames)[number];

/** Fields of these names are never written, wherever they appear. A second line of defence: no code should log them. */
const redacted = ['authorization', 'token', 'secret', 'password', 'key', 'bearer', 'session'].flatMap((name) => [
  name,
  `*.${name}`,
]);

/** stdout belongs to what commands print, and on stdio to the protocol. */
export function createLog(level: LogLevel): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      // JSON escapes C0 only; what else acts on a terminal stands in names and answers of others.
      hooks: { streamWrite: shown },
      redact: { paths: redacted, censor: '(hidden)' },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
