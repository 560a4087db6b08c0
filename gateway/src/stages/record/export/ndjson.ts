/** Newline-delimited JSON: public parts as they are, and what of the private part there still is. */
import type { ArchivedRecord } from '../read/archive.ts';
import type { ExportFormat } from './event.ts';

export const ndjson: ExportFormat = {
  name: 'ndjson',
  summary: 'one JSON object a line',
  line: ({ origin, record, outcome }) =>
    JSON.stringify({ origin, ...shown(record), ...(outcome && { outcomeRecord: shown(outcome) }) }),
};

function shown({ fields, privacy, parts, about }: ArchivedRecord): object {
  if (parts === undefined) return { ...fields, privacy };
  const { arguments: args, result } = parts;
  return { ...fields, privacy, plaintext: { about, ...(args && { arguments: args }), ...(result && { result }) } };
}
