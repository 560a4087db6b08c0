/** What is wrong with a configuration: where, what, and what to do about it. Values, never exceptions. */
import { shownInLine } from '../protocol/shown.ts';

/** Line and column begin at 1. A file that cannot be read at all is complained about at 1:1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly place: Place;
  readonly problem: string;
  readonly remedy: string;
}

/** Every code with its meaning. Codes are never reused. `docs/diagnostics.md` is generated from this table. */
export const diagnosticCodes = {
  CFG001: 'A file or folder cannot be read, or is too large.',
  CFG002: 'The file is not YAML.',
  CFG003: 'The same key stands twice, in one file or in two files of a folder.',
  CFG004: 'A feature of YAML that is not accepted here: tags, keys that are not text, huge aliases, inexact numbers.',
  CFG010: 'A key that does not exist.',
  CFG011: 'Missing required key.',
  CFG012: 'A value of the wrong type.',
  CFG013: 'A value that is not accepted.',
  CFG014: 'Keys that exclude each other, or none of the keys of which one is needed.',
  CFG020: 'Unknown name.',
  CFG021: 'Duplicate name.',
  CFG030: 'A reference to a secret that cannot be resolved.',
  CFG031: 'A secret stands in the file.',
  CFG032: 'A package that is optional, and that this configuration needs, is not installed.',
  CFG033: 'The lock file of the pins is missing, or cannot be read.',
  CFG040: 'Anonymous access beyond this machine.',
  CFG041: 'A URL that must be https, or that leads nowhere that clients could use.',
  CFG042: 'Two issuers whose callers could not be told apart.',
  CFG043: 'Plain HTTP where others could listen.',
  CFG044: 'A stdio server is given a folder or a file that belongs to the gateway.',
  CFG045: 'The database of countries is missing, or cannot be read.',
  POL001: 'A condition that is not CEL.',
  POL002: 'A condition that cannot work: unknown names, or types that do not fit.',
  POL003: 'A condition that could take too long, or calls what cannot work.',
  POL010: 'A pattern that is not accepted.',
  POL012: 'A name under which there is no guardrail.',
  POL020: 'A condition that does not fit the input schema of the tool.',
} as const;

export type DiagnosticCode = keyof typeof diagnosticCodes;

export function formatPlace(place: Place): string {
  return `${shownInLine(place.file)}:${place.line}:${place.column}`;
}

/** Two lines: place, code and problem; then the remedy. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { place, code, problem, remedy } = diagnostic;
  return `${formatPlace(place)}  ${code}  ${shownInLine(problem)}\n    ${shownInLine(remedy)}`;
}

/** In the order of files, lines and columns. */
export function byPlace({ place: a }: Diagnostic, { place: b }: Diagnostic): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
