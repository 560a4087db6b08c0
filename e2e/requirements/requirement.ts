/** One thing that the gateway promises, and what proves it. */

export interface Proof {
  /** Path of the test file from the root of the repository. */
  readonly file: string;
  /** Name of the test, exactly as it stands in the source, with the variables of a template. */
  readonly test: string;
  /** The case of a test that runs once for each entry of a table: a text of the same file. */
  readonly of?: string;
}

interface Stated {
  /** A letter for the source, and its number there. Names of tests begin with it, or with the bare number for `T`. */
  readonly id: string;
  readonly source: string;
  readonly text: string;
}

export interface Proved extends Stated {
  readonly proofs: readonly Proof[];
}

/** Not built yet: nothing may claim it. */
export interface Missing extends Stated {
  /** The part of the work that it belongs to. */
  readonly missing: string;
}

export type Requirement = Proved | Missing;

export function isProved(requirement: Requirement): requirement is Proved {
  return 'proofs' in requirement;
}

type Row = Omit<Proved, 'source'> | Omit<Missing, 'source'>;

/** The requirements of one source. */
export function from(source: string, rows: readonly Row[]): readonly Requirement[] {
  return rows.map((row) => ({ source, ...row }));
}

/** Tests of one file. */
export function inFile(file: string, ...tests: readonly (string | Omit<Proof, 'file'>)[]): readonly Proof[] {
  return tests.map((each) => (typeof each === 'string' ? { file, test: each } : { file, ...each }));
}
