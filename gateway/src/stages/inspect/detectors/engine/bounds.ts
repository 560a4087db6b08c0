/** What a scan of one message may take. */

export interface ScanBounds {
  /** UTF-16 code units of all parts together. */
  readonly maxChars: number;
  readonly maxFindings: number;
  /** How often what was decoded is decoded again. */
  readonly maxRounds: number;
  /** What decoding may yield, in UTF-16 code units. */
  readonly maxDecodedChars: number;
  /** Looked at between slices of 16 Ki characters. */
  readonly timeMs: number;
}

export const defaultBounds: ScanBounds = {
  maxChars: 16_777_216,
  maxFindings: 1_000,
  maxRounds: 3,
  maxDecodedChars: 4_194_304,
  timeMs: 5_000,
};
