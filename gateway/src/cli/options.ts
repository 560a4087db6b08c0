/** Options that several commands have, and what their values may be. */
import { InvalidArgumentError, Option } from 'commander';
import { logLevelNames } from '../telemetry/log.ts';

export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'how much is logged on stderr').choices(logLevelNames);
}

/** Throws what the command line tells as wrong usage. */
export function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a number from 0 to 65535.');
}
